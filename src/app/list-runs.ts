// `tapes runs`: which invocations there were.
import type { Run } from '../domain/index.ts';
import type { RunFilter } from '../store/index.ts';
import { withLibrary } from '../store/index.ts';
import type { PlaceOptions } from './home.ts';
import { findPlaces } from './home.ts';

/** Newest first. Throws E_DB_MISSING, E_DB_NEWER, E_DB_UNREADABLE. */
export function listRuns(places: PlaceOptions, filter: RunFilter): Promise<Run[]> {
  return withLibrary(findPlaces(places).dbFile, (library) => library.listRuns(filter));
}
