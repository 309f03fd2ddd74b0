// `tapes sessions`: which conversations were recorded.
import type { ListedSession, SessionFilter } from '../store/index.ts';
import { withLibrary } from '../store/index.ts';
import type { PlaceOptions } from './home.ts';
import { findPlaces } from './home.ts';
import { readPrices } from './read-prices.ts';

/** The most recently active first. Throws E_DB_MISSING, E_DB_NEWER, E_DB_UNREADABLE, E_PRICES_INVALID. */
export async function listSessions(places: PlaceOptions, filter: SessionFilter): Promise<ListedSession[]> {
  const { dbFile, home } = findPlaces(places);
  return withLibrary(dbFile, (library) => library.listSessions(filter), await readPrices(home));
}
