// `tapes rederive`: sessions, threads, turns and calls again, from what was recorded.
import type { RederiveProgress, RederiveReport } from '../store/index.ts';
import { rederive } from '../store/index.ts';
import type { PlaceOptions } from './home.ts';
import { findPlaces } from './home.ts';

/** Throws E_DB_IN_USE, E_DB_MISSING, E_DB_NEWER, E_DB_UNREADABLE. */
export function rederiveRecordings(
  places: PlaceOptions,
  tell: (progress: RederiveProgress) => void,
): Promise<RederiveReport> {
  return rederive(findPlaces(places).dbFile, tell);
}
