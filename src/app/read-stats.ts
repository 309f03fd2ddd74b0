// `tapes stats`: what was used, what it cost and how long it took.
import { sumStats } from '../derive/index.ts';
import type { StatsSums, Sums } from '../derive/index.ts';
import type { SeenRateLimits, StatsFilter, StorageSizes } from '../store/index.ts';
import { withLibrary } from '../store/index.ts';
import type { PlaceOptions } from './home.ts';
import { findPlaces } from './home.ts';
import { readPrices } from './read-prices.ts';

export interface Stats extends Omit<StatsSums, 'bySession'> {
  readonly turns: number;
  readonly bySession: readonly SessionSums[];
  readonly rateLimits: SeenRateLimits | null;
  readonly storage: StorageSizes;
}

export interface SessionSums extends Sums {
  readonly id: string;
  readonly shortId: string;
  /** Its first prompt where it has none. */
  readonly title: string | null;
}

export interface AskedStats extends StatsFilter {
  /** At most this many sessions, and days (the newest). */
  readonly limit: number;
}

/** Days are those of the machine's time zone. Throws E_DB_…, E_PRICES_INVALID. */
export async function readStats(places: PlaceOptions, { limit, ...filter }: AskedStats): Promise<Stats> {
  const { dbFile, home } = findPlaces(places);
  return withLibrary(
    dbFile,
    async (library) => {
      const { groups, turns, backgroundSessions, rateLimits, storage } = await library.readStats(filter, isUneven());
      const { prices } = library;
      const { bySession, ...sums } = sumStats(groups, { prices, dayOf: localDay, backgroundSessions, limit });
      const names = await library.nameSessions(bySession.map(({ sessionId }) => sessionId));
      return {
        ...sums,
        turns,
        bySession: bySession.map(({ sessionId, ...session }) => ({
          id: sessionId,
          shortId: names.get(sessionId)?.shortId ?? sessionId,
          title: names.get(sessionId)?.title ?? null,
          ...session,
        })),
        rateLimits,
        storage,
      };
    },
    await readPrices(home),
  );
}

/** In most places days begin ten minutes (or none) to an hour of UTC; in a few (Nepal, Chatham) at a quarter. */
function isUneven(): boolean {
  const year = new Date().getFullYear();
  return [0, 6].some((month) => new Date(year, month).getTimezoneOffset() % 10 !== 0);
}

function localDay(iso: string): string {
  const local = new Date(iso);
  const two = (value: number): string => String(value).padStart(2, '0');
  return `${local.getFullYear()}-${two(local.getMonth() + 1)}-${two(local.getDate())}`;
}
