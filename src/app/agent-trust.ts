// Whom the agent is told to trust, and whom tapes trusts in its place: where the user has named roots of their own, both count.
import { readFile, rm } from 'node:fs/promises';
import { join } from 'node:path';

import type { AgentProfile } from '../agents/index.ts';
import { isLocalRoot, readCertificates, readTrusted, splitPem, writeBundle, type Root } from '../ca/index.ts';
import { newId } from '../domain/index.ts';
import { readUpstreamRoots } from './upstream-roots.ts';

type Environment = Readonly<Record<string, string | undefined>>;

export interface AgentTrust {
  /** What the agent is told to trust: our root, with the roots that the user had named already. */
  readonly certificateFile: string;
  readonly upstreamRoots: readonly string[];
  /** Writes the file of a standing proxy: for the one process that stands, since another's root is not this one's. Of a run it is there already. */
  write(): Promise<void>;
  /** Takes away what was made for this run. */
  remove(): Promise<void>;
}

export interface AgentTrustOptions {
  readonly caFolder: string;
  readonly environment: Environment;
  readonly upstreamCa?: string | undefined;
  /** Is there a proxy on the way to the provider? */
  readonly isProxied: boolean;
  /**
   * For agents that outlive this process, and the next one: they are told of one file, which stays in its place and holds whatever root
   * this proxy, the one before it and the one after it sign with (a rotation reaches it, too).
   */
  readonly standing?: boolean;
}

const standingBundleName = 'proxy-bundle.pem';

/** Joins what must be joined, and reads what the provider may chain to. Throws `E_UPSTREAM_CA_INVALID`, `E_HOME_NOT_WRITABLE`. */
export async function arrangeTrust(profile: AgentProfile, root: Root, options: AgentTrustOptions): Promise<AgentTrust> {
  const { caFolder, environment, upstreamCa, isProxied, standing = false } = options;
  const variable = profile.caVariables[0];
  const named = variable === undefined ? undefined : environment[variable];
  const files = [
    ...(named ? [{ file: named, source: variable! }] : []),
    ...(upstreamCa === undefined ? [] : [{ file: upstreamCa, source: '--upstream-ca' }]),
  ];
  const upstreamRoots = await readUpstreamRoots(files, environment, { isProxied });
  if (!named && !standing) {
    return { certificateFile: root.certificateFile, upstreamRoots, write: nothing, remove: nothing };
  }
  const theirs = named ? await readCertificates(named, variable!) : [];
  const bundle = join(caFolder, standing ? standingBundleName : `bundle-${newId()}.pem`);
  const write = async (): Promise<void> => {
    const earlier = standing ? [...(await readTrusted(caFolder, new Date())), ...(await readForeign(bundle))] : [];
    await writeBundle(bundle, [root, ...earlier].map((one) => one.certificatePem).concat(theirs));
  };
  if (standing) return { certificateFile: bundle, upstreamRoots, write, remove: nothing };
  await write();
  const remove = (): Promise<void> => rm(bundle, { force: true }).catch(() => undefined);
  return { certificateFile: bundle, upstreamRoots, write: nothing, remove };
}

const nothing = async (): Promise<void> => undefined;

/** What an agent was told to trust that was started when the user named other roots than now, or none. */
async function readForeign(bundle: string): Promise<readonly { readonly certificatePem: string }[]> {
  const held = splitPem(await readFile(bundle, 'utf8').catch(() => ''));
  return held.filter((pem) => !isLocalRoot(pem)).map((certificatePem) => ({ certificatePem }));
}
