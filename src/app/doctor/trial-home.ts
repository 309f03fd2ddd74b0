// Where a trial of an agent lives, all in one folder: the agent's home with a login that is made up, a project, a home of tapes.
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';

import type { TrialRule } from '../../agents/index.ts';
import { makeTokens, type Tokens } from '../../provider/index.ts';
import { findPlaces, type Places } from '../home.ts';
import { endThoseWith } from './end-those-with.ts';
import { makeThrowAwayFolder, sweepFolders } from './throw-away-folder.ts';

export interface TrialHome {
  readonly login: Tokens;
  /** The agent's own home. */
  readonly agentHome: string;
  readonly project: string;
  /** Where the agent may put what is temporary. */
  readonly temporary: string;
  /** A home of tapes: its database is the trial's. */
  readonly places: Places;
  /** Ends what is still at work in it (on Linux), and takes all of it away. */
  remove(): Promise<void>;
}

const agentFolder = 'agent';

export async function makeTrialHome(rule: TrialRule): Promise<TrialHome> {
  const endIn = (path: string): Promise<void> => endThoseWith(rule.homeVariable, join(path, agentFolder));
  await sweepFolders(endIn);
  const folder = await makeThrowAwayFolder();
  const [agentHome, project, temporary, home] = [agentFolder, 'project', 'tmp', 'tapes'].map((name) =>
    join(folder.path, name),
  ) as [string, string, string, string];
  const login = makeTokens();
  await Promise.all([agentHome, project, temporary, home].map((path) => mkdir(path, { mode: 0o700 })));
  for (const { name, text } of [rule.loginFile(login), rule.configFile(project)]) {
    await writeFile(join(agentHome, name), text, { mode: 0o600 });
  }
  await writeFile(join(project, 'README.md'), '# A project that is thrown away\n');
  return {
    login,
    agentHome,
    project,
    temporary,
    places: findPlaces({ home }, {}),
    async remove() {
      await endIn(folder.path);
      await folder.remove();
    },
  };
}
