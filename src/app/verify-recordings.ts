// `tapes verify`: rebuilds and checks all that was recorded.
import type { VerifyProgress, VerifyReport } from '../store/index.ts';
import { withLibrary } from '../store/index.ts';
import type { PlaceOptions } from './home.ts';
import { findPlaces } from './home.ts';

/** Throws E_DB_MISSING, E_DB_NEWER, E_DB_UNREADABLE; what is damaged is in the report. */
export function verifyRecordings(
  places: PlaceOptions,
  tell: (progress: VerifyProgress) => void,
): Promise<VerifyReport> {
  return withLibrary(findPlaces(places).dbFile, (library) => library.verify(tell));
}
