// `tapes prune`: old recordings go, and the room they took comes back.
import type { PruneCriterion, PruneReport } from '../store/index.ts';
import { pruneRecordings } from '../store/index.ts';
import type { PlaceOptions } from './home.ts';
import { findPlaces } from './home.ts';

/** Throws E_NOT_FOUND, E_AMBIGUOUS, E_SESSION_ACTIVE, E_DB_…. */
export function prune(places: PlaceOptions, criterion: PruneCriterion, dryRun: boolean): Promise<PruneReport> {
  return pruneRecordings(findPlaces(places).dbFile, criterion, dryRun);
}
