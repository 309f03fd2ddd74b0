// Whom the agent is told to trust, and whom tapes trusts in its place: where the user has named roots of their own, both count.
import { rm } from 'node:fs/promises';
import { join } from 'node:path';

import type { AgentProfile } from '../agents/index.ts';
import { readCertificates, writeBundle, type Root } from '../ca/index.ts';
import { newId } from '../domain/index.ts';
import { readUpstreamRoots } from './upstream-roots.ts';

type Environment = Readonly<Record<string, string | undefined>>;

export interface AgentTrust {
  /** What the agent is told to trust: our root, with the roots that the user had named already. */
  readonly certificateFile: string;
  readonly upstreamRoots: readonly string[];
  /** Takes away what was made for this run. */
  remove(): Promise<void>;
}

/** Joins what must be joined, and reads what the provider may chain to. Throws `E_UPSTREAM_CA_INVALID`. */
export async function arrangeTrust(
  profile: AgentProfile,
  root: Root,
  home: string,
  options: {
    readonly environment: Environment;
    readonly upstreamCa?: string | undefined;
    /** Where what is joined is kept, for agents that outlive this process. Default: a file that `remove` takes away. */
    readonly bundleName?: string;
  },
): Promise<AgentTrust> {
  const { environment, upstreamCa, bundleName } = options;
  const variable = profile.caVariables[0];
  const named = variable === undefined ? undefined : environment[variable];
  const files = [
    ...(named ? [{ file: named, source: variable! }] : []),
    ...(upstreamCa === undefined ? [] : [{ file: upstreamCa, source: '--upstream-ca' }]),
  ];
  const upstreamRoots = await readUpstreamRoots(files, environment);
  if (!named) return { certificateFile: root.certificateFile, upstreamRoots, remove: async () => undefined };
  const bundle = join(home, 'ca', bundleName ?? `bundle-${newId()}.pem`);
  await writeBundle(bundle, [root.certificatePem, ...(await readCertificates(named, variable!))]);
  if (bundleName !== undefined) return { certificateFile: bundle, upstreamRoots, remove: async () => undefined };
  return { certificateFile: bundle, upstreamRoots, remove: () => rm(bundle, { force: true }).catch(() => undefined) };
}
