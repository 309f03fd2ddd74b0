// `tapes ca create`: makes the root, where there is none.
import { profiles } from '../agents/index.ts';
import { openRoot, withLock, type Root } from '../ca/index.ts';
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

/** Opens the root, or makes it. Throws `E_CA_*`, `E_CLOCK_WRONG`, `E_HOST_NAME_INVALID`, `E_HOME_NOT_WRITABLE`. */
export async function createCa(
  options: PlaceOptions & { readonly hostNames: readonly string[]; readonly now?: Date },
): Promise<RootSummary> {
  const places = findPlaces(options);
  await prepareHome(places.home);
  return withLock(places.caLockFile, async () => summarize(await openForAll(places, options.hostNames, options.now)));
}

/** The root in the home, which permits every agent's domains and these hosts. */
export function openForAll(places: Places, hostNames: readonly string[], now: Date = new Date()): Promise<Root> {
  return openRoot(places.caFolder, [...domainsOfAgents(), ...readConstraints(hostNames)], now);
}

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
