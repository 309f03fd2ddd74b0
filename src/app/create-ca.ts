// `tapes ca create`: makes the root, where there is none.
import { profiles } from '../agents/index.ts';
import { loadRoot, openRoot, refuseUnusable, withLock, type Root } from '../ca/index.ts';
import { readConstraints } from './choose-root.ts';
import { findPlaces, prepareHome, type PlaceOptions, type Places } from './home.ts';

export interface RootSummary {
  readonly certificateFile: string;
  readonly fingerprint: string;
  readonly commonName: string;
  readonly permittedDomains: readonly string[];
  /** ISO 8601. */
  readonly startsAt: string;
  readonly expiresAt: string;
  readonly isNew: boolean;
}

export interface CreateCaReport {
  /** Null in a dry run that would make one. */
  readonly root: RootSummary | null;
  readonly dryRun: boolean;
  readonly caFolder: string;
  readonly permittedDomains: readonly string[];
}

/** Opens the root, or makes it. Throws `E_CA_*`, `E_CLOCK_WRONG`, `E_HOST_NAME_INVALID`, `E_HOME_NOT_WRITABLE`. */
export async function createCa(
  options: PlaceOptions & { readonly hostNames: readonly string[]; readonly dryRun: boolean; readonly now?: Date },
): Promise<CreateCaReport> {
  const { hostNames, dryRun, now = new Date() } = options;
  const places = findPlaces(options);
  const { caFolder } = places;
  const domains = await domainsFor(hostNames);
  if (dryRun) {
    const found = await loadRoot(caFolder);
    if (found !== null) refuseUnusable(found, domains, now);
    const root = found === null ? null : summarize(found);
    return { root, dryRun, caFolder, permittedDomains: root?.permittedDomains ?? domains };
  }
  await prepareHome(places.home);
  const root = summarize(await withLock(places.caLockFile, () => openForAll(places, hostNames, now)));
  return { root, dryRun, caFolder, permittedDomains: root.permittedDomains };
}

/** The root in the home, which permits every agent's domains and these hosts. */
export async function openForAll(places: Places, hostNames: readonly string[], now: Date = new Date()): Promise<Root> {
  return openRoot(places.caFolder, await domainsFor(hostNames), now);
}

const domainsFor = async (hostNames: readonly string[]): Promise<readonly string[]> => [
  ...new Set([...domainsOfAgents(), ...(await readConstraints(hostNames))]),
];

export const domainsOfAgents = (): readonly string[] => [
  ...new Set(profiles.flatMap((profile) => profile.certificateDomains)),
];

export function summarize(root: Root): RootSummary {
  const { certificateFile, fingerprint, commonName, permittedDomains, startsAt, expiresAt, isNew } = root;
  return {
    certificateFile,
    fingerprint,
    commonName,
    permittedDomains,
    startsAt: startsAt.toISOString(),
    expiresAt: expiresAt.toISOString(),
    isNew,
  };
}
