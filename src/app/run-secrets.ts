// The credentials of a run, of one agent or of all that may come: those that are known before the agent has sent any, and those that its login file gets while it runs.
import { homedir } from 'node:os';

import type { AgentProfile } from '../agents/index.ts';
import { readArgumentSecrets, readEnvironmentSecrets, readLoginSecrets } from './known-secrets.ts';
import { watchLogins, type LoginWatch } from './watch-logins.ts';

export interface RunSecrets {
  readonly known: readonly string[];
  /** Tells of those that come later, until `stop`. */
  watch(learn: (values: readonly string[]) => void): LoginWatch;
}

export async function readRunSecrets(
  profiles: readonly AgentProfile[],
  environment: Readonly<Record<string, string | undefined>>,
  argv: readonly string[],
): Promise<RunSecrets> {
  const logins = profiles.flatMap((profile) => [
    ...profile.credentialFiles(environment, environment['HOME'] || homedir()),
  ]);
  const known = [
    ...readEnvironmentSecrets(environment),
    ...readArgumentSecrets(argv),
    ...(await Promise.all(logins.map(readLoginSecrets))).flat(),
  ];
  return { known, watch: (learn) => watchLogins(logins, learn) };
}
