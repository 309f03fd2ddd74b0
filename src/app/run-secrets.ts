// The credentials of a run: those that are known before the agent has sent any, and those that its login file gets while it runs.
import { unwatchFile, watchFile } from 'node:fs';
import { homedir } from 'node:os';

import type { AgentProfile } from '../agents/index.ts';
import { readEnvironmentSecrets, readLoginSecrets } from './known-secrets.ts';

export interface RunSecrets {
  readonly known: readonly string[];
  /** Tells of those that come later, until `stop`. */
  watch(learn: (values: readonly string[]) => void): { stop(): void };
}

// An agent renews its login while it runs; the new credentials must be known before it can print them.
const loginPollMs = 500;

export async function readRunSecrets(
  profile: AgentProfile,
  environment: Readonly<Record<string, string | undefined>>,
): Promise<RunSecrets> {
  const logins = profile.credentialFiles(environment, homedir());
  const known = [...readEnvironmentSecrets(environment), ...(await Promise.all(logins.map(readLoginSecrets))).flat()];
  return {
    known,
    watch(learn) {
      const watchers = logins.map((file) => ({ file, look: () => void readLoginSecrets(file).then(learn) }));
      for (const { file, look } of watchers) watchFile(file, { interval: loginPollMs, persistent: false }, look);
      return {
        stop() {
          for (const { file, look } of watchers) unwatchFile(file, look);
        },
      };
    },
  };
}
