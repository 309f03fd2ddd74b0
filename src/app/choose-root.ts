// Which root a run signs with: the one in the home, one made for the run alone (`--ephemeral-ca`), or a new one in the place of one that
// does not permit a host that was asked for. Shared by all that intercept.
import { rmSync } from 'node:fs';
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';

import type { AgentProfile } from '../agents/index.ts';
import {
  announceUse,
  draftRoot,
  isoDay,
  isPublicSuffix,
  loadRoot,
  makeThrowAwayRoot,
  openRoot,
  permits,
  readLedger,
  readTrusted,
  refuseUnusable,
  switchKey,
  withLock,
  writeTrusted,
  type Root,
} from '../ca/index.ts';
import { constraintOf, newId } from '../domain/index.ts';
import { TapesError } from '../errors.ts';
import type { Places } from './home.ts';

export interface ChooseRootOptions {
  readonly places: Places;
  readonly profiles: readonly AgentProfile[];
  /** What else to intercept: names and globs, as typed. */
  readonly hostNames: readonly string[];
  /** A root whose key is in memory alone. */
  readonly ephemeral: boolean;
  readonly now?: Date;
  readonly onProgress: (line: string) => void;
}

export interface RootChoice {
  readonly root: Root;
  /** Names and globs, lower case: those of the profiles first. */
  readonly interceptHosts: readonly string[];
  /** What the user should know, one sentence each. */
  readonly warnings: readonly string[];
  /** The run is over: takes away what was made for it. */
  release(): Promise<void>;
}

const warnDays = 30;
const dayMs = 86_400_000;

/** Throws `E_HOST_NAME_INVALID`, `E_CA_*`, `E_CLOCK_WRONG`, `E_HOME_NOT_WRITABLE`. The home must stand. */
export async function chooseRoot(options: ChooseRootOptions): Promise<RootChoice> {
  const { places, profiles, ephemeral, now = new Date(), onProgress } = options;
  const hostNames = options.hostNames.map((name) => name.toLowerCase());
  const domains = unique([
    ...profiles.flatMap((profile) => profile.certificateDomains),
    ...(await readConstraints(hostNames)),
  ]);
  const interceptHosts = unique([...profiles.flatMap((profile) => profile.interceptHosts), ...hostNames]);
  if (ephemeral) {
    const root = await makeEphemeralRoot(places.caFolder, domains, now);
    onProgress(`made a root for this run alone, for ${domains.join(', ')}: ${root.certificateFile}`);
    return { root, interceptHosts, warnings: [], release: removeAtEnd(root.certificateFile) };
  }
  const { root, release } = await openAnnounced(places, domains, now, onProgress);
  if (root.isNew) onProgress(`made a root for ${root.permittedDomains.join(', ')}: ${root.certificateFile}`);
  return { root, interceptHosts, warnings: warnOfExpiry(root, now), release };
}

/** The domains that a root must permit for these globs. Throws `E_HOST_NAME_INVALID`. */
export async function readConstraints(hostNames: readonly string[]): Promise<readonly string[]> {
  const domains: string[] = [];
  for (const name of hostNames) {
    const constraint = constraintOf(name.toLowerCase());
    if ('reason' in constraint) throw unpermittable(name, constraint.reason);
    const { domain } = constraint;
    if (await isPublicSuffix(domain)) {
      throw unpermittable(
        name,
        `below ${domain} anybody can have a name (publicsuffix.org), and the root could sign for all of them`,
      );
    }
    domains.push(domain);
  }
  return unique(domains);
}

const unpermittable = (name: string, reason: string): TapesError =>
  new TapesError('E_HOST_NAME_INVALID', `--host-name ${name} cannot be permitted: ${reason}`, {
    hint: "name hosts as --host-name llm.example.com or --host-name '*.example.com'",
  });

/** A sentence where the root expires within 30 days. */
export function warnOfExpiry({ expiresAt }: Pick<Root, 'expiresAt'>, now: Date): readonly string[] {
  const days = daysUntil(expiresAt, now);
  return days < warnDays
    ? [`the root expires in ${days} days, on ${isoDay(expiresAt)}; renew it: tapes ca rotate`]
    : [];
}

/** A sentence where a rotation has made a root that is not used yet. */
export const warnOfWaiting = (next: unknown): readonly string[] =>
  next === null ? [] : ['a new root is made and not used yet: a rotation was held up; go on: tapes ca rotate'];

export const daysUntil = (date: Date, now: Date): number => Math.floor((date.getTime() - now.getTime()) / dayMs);

/** Removes the file when called, or when the process ends, whatever it ends by (but SIGKILL). Never throws: an agent's exit code is worth more. */
function removeAtEnd(file: string): () => Promise<void> {
  const remove = (): void => {
    try {
      rmSync(file, { force: true });
    } catch {
      // The disk is read-only by now. What is left says that a process uses a root, and is taken away once that has ended.
    }
  };
  process.once('exit', remove);
  return async () => {
    process.off('exit', remove);
    remove();
  };
}

async function makeEphemeralRoot(folder: string, domains: readonly string[], now: Date): Promise<Root> {
  const certificateFile = join(folder, `ephemeral-${newId()}.pem`);
  const root = await makeThrowAwayRoot(domains, { certificateFile, now });
  try {
    await mkdir(folder, { recursive: true, mode: 0o700 });
    await writeFile(certificateFile, root.certificatePem, { mode: 0o600, flag: 'wx' });
  } catch (cause) {
    throw new TapesError('E_HOME_NOT_WRITABLE', `cannot write ${certificateFile}: ${(cause as Error).message}`, {
      hint: 'name a folder that you may write: tapes --home DIR … (or set TAPES_HOME)',
      cause,
    });
  }
  return root;
}

/** Opens the root and says that it is in use; once more where a rotation came between the two. */
async function openAnnounced(
  places: Places,
  domains: readonly string[],
  now: Date,
  onProgress: (line: string) => void,
): Promise<{ root: Root; release: () => Promise<void> }> {
  for (;;) {
    const root = await openPermitting(places, domains, now, onProgress);
    const release = removeAtEnd(await announceUse(places.caFolder, root.fingerprint));
    const stored = await loadRoot(places.caFolder);
    if (stored?.fingerprint === root.fingerprint) return { root, release };
    await release();
  }
}

async function openPermitting(
  places: Places,
  domains: readonly string[],
  now: Date,
  onProgress: (line: string) => void,
): Promise<Root> {
  const found = await loadRoot(places.caFolder);
  const missing = found === null ? [] : domains.filter((domain) => !permits(found.permittedDomains, domain));
  if (found === null || missing.length === 0) return openRoot(places.caFolder, domains, now);
  refuseUnusable(found, [], now);
  const stores = await storesOf(places, found);
  if (stores.length === 0) return replaceRoot(places, domains, now, onProgress);
  throw new TapesError(
    'E_CA_CONSTRAINTS',
    `the installed root does not permit ${missing.join(', ')}: what a root may sign is fixed when it is made, and ${stores.join(' and ')} trust this one`,
    {
      hint: `make a new one and install it in its place: tapes ca rotate${missing.map((domain) => ` --host-name ${domain}`).join('')}`,
    },
  );
}

/** In the place of a root that no store trusts: a new one, which permits more. Runs that are going on keep the earlier one. */
function replaceRoot(
  { caFolder, caLockFile }: Places,
  domains: readonly string[],
  now: Date,
  onProgress: (line: string) => void,
): Promise<Root> {
  return withLock(caLockFile, async () => {
    const earlier = await loadRoot(caFolder);
    const permitted = unique([...(earlier?.permittedDomains ?? []), ...domains]);
    // Somebody else may have done it while this one waited.
    if (earlier === null || !domains.every((domain) => permits(earlier.permittedDomains, domain))) {
      const made = await draftRoot(permitted, now);
      await writeTrusted(caFolder, [made.certificate, ...(await readTrusted(caFolder, now))]);
      await switchKey(caFolder, made);
      onProgress(`made a new root, which permits ${permitted.join(', ')}; the earlier one was installed nowhere`);
    }
    return openRoot(caFolder, domains, now);
  });
}

async function storesOf(places: Places, { fingerprint }: Root): Promise<readonly string[]> {
  const entries = await readLedger(places.ledgerFile);
  return unique(entries.filter((entry) => entry.fingerprint === fingerprint).map(({ target }) => target));
}

const unique = <T>(values: readonly T[]): readonly T[] => [...new Set(values)];
