// `tapes raw`: one body, byte for byte as it was (content-decoded, secrets masked).
import { TapesError } from '../errors.ts';
import type { BodySide } from '../store/index.ts';
import { notReadMark, withLibrary } from '../store/index.ts';
import type { PlaceOptions } from './home.ts';
import { findPlaces } from './home.ts';

/** Hands the body to `write` in pieces. Gives what is to be said of it, where it is not the whole, decoded body, or was not read. Throws E_NOT_FOUND, E_AMBIGUOUS, E_NO_BODY, E_DB_…. */
export function readRaw(
  places: PlaceOptions,
  id: string,
  side: BodySide,
  write: (bytes: Uint8Array) => Promise<void>,
): Promise<string | null> {
  return withLibrary(findPlaces(places).dbFile, async (library) => {
    const call = await library.find(id, ['call']);
    const body = await library.readBody(call.id, side);
    if (body === null) {
      throw new TapesError('E_NO_BODY', `call ${call.id} has no ${side} body`, { hint: `tapes show ${call.id}` });
    }
    for await (const bytes of body) await write(bytes);
    const problem = (await library.readBodyFacts(call.id, side))?.problem ?? null;
    if (problem === null) return null;
    return problem.startsWith(notReadMark)
      ? `this is the whole ${side} body; ${problem}`
      : `this is not the whole ${side} body: ${problem}`;
  });
}
