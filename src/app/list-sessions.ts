// `tapes sessions`: which conversations were recorded.
import type { ListedSession, SessionFilter } from '../store/index.ts';
import { withLibrary } from '../store/index.ts';
import type { PlaceOptions } from './home.ts';
import { findPlaces } from './home.ts';

/** The most recently active first. Throws E_DB_MISSING, E_DB_NEWER, E_DB_UNREADABLE. */
export function listSessions(places: PlaceOptions, filter: SessionFilter): Promise<ListedSession[]> {
  return withLibrary(findPlaces(places).dbFile, (library) => library.listSessions(filter));
}
