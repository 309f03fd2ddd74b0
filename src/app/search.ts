// `tapes search`: where something was said.
import { readSearchTerms } from '../derive/index.ts';
import { TapesError } from '../errors.ts';
import type { FoundEntry } from '../store/index.ts';
import { withLibrary } from '../store/index.ts';
import type { PlaceOptions } from './home.ts';
import { findPlaces } from './home.ts';

export interface Search {
  /** As typed: words, and phrases in double quotes or with blanks in them. */
  readonly words: readonly string[];
  readonly limit: number;
  /** An id, or the beginning of one, or `last`. */
  readonly session?: string | undefined;
  readonly role?: string | undefined;
  readonly type?: string | undefined;
  readonly since?: string | undefined;
  readonly until?: string | undefined;
}

/** The newest first. Throws E_USAGE where there is nothing to look for, E_NOT_FOUND, E_AMBIGUOUS, E_DB_…. */
export async function search(places: PlaceOptions, { words, session, ...filter }: Search): Promise<FoundEntry[]> {
  const terms = readSearchTerms(words);
  if (terms.length === 0) {
    throw new TapesError('E_USAGE', 'there is no word in what you search for: only letters and digits are indexed', {
      hint: 'tapes search parser "exit code"',
    });
  }
  return withLibrary(findPlaces(places).dbFile, async (library) => {
    const sessionId = session === undefined ? undefined : (await library.find(session, ['session'])).id;
    return library.search({ ...filter, terms, sessionId });
  });
}
