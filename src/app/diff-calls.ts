// `tapes diff`: what differs between two calls, of one session or of two.
import type { RequestDiff } from '../derive/index.ts';
import { diffRequests } from '../derive/index.ts';
import type { Call } from '../domain/index.ts';
import { TapesError } from '../errors.ts';
import type { Library } from '../store/index.ts';
import { withLibrary } from '../store/index.ts';
import type { PlaceOptions } from './home.ts';
import { findPlaces } from './home.ts';
import type { CallFacts } from './read-request.ts';
import { callFacts, requireRequest } from './read-request.ts';

export interface ComparedCall extends CallFacts {
  readonly httpStatus: number | null;
  readonly ttftMs: number | null;
  readonly responseBytes: number;
  /** Types of the answer's items, in order. */
  readonly outputTypes: readonly string[];
}

export interface CallDiff extends RequestDiff {
  readonly before: ComparedCall;
  readonly after: ComparedCall;
  /** The same items to a reader, or two calls without any. */
  readonly isSameAnswer: boolean;
}

export interface ShownDiff extends CallDiff {
  readonly shortIds: ReadonlyMap<string, string>;
}

/** Throws E_NOT_FOUND, E_AMBIGUOUS, E_NO_BODY, E_BODY_DAMAGED, E_DB_…. */
export function diffCalls(places: PlaceOptions, before: string, after: string): Promise<ShownDiff> {
  return withLibrary(findPlaces(places).dbFile, async (library) => {
    const [mine, theirs] = [await readCall(library, before), await readCall(library, after)];
    const [body, otherBody] = [
      await requireRequest(library, mine.call.id),
      await requireRequest(library, theirs.call.id),
    ];
    return {
      before: mine.facts,
      after: theirs.facts,
      ...diffRequests(body, otherBody),
      isSameAnswer: hashesOf(mine.call) === hashesOf(theirs.call),
      shortIds: new Map([...mine.shortIds, ...theirs.shortIds]),
    };
  });
}

const hashesOf = ({ output }: Call): string => output.map(({ hash }) => hash).join();

async function readCall(
  library: Library,
  given: string,
): Promise<{ call: Call; facts: ComparedCall; shortIds: ReadonlyMap<string, string> }> {
  const { id, sessionId } = await library.find(given, ['call']);
  const { threads, shortIds } = await library.readSession(sessionId);
  for (const thread of threads) {
    const call = thread.turns.flatMap(({ calls }) => calls).find((each) => each.id === id);
    if (call === undefined) continue;
    const { httpStatus, ttftMs, responseBytes, output } = call;
    const outputTypes = output.map(({ type }) => type);
    const facts = {
      ...callFacts(call, { sessionId, threadId: thread.id }),
      httpStatus,
      ttftMs,
      responseBytes,
      outputTypes,
    };
    return { call, facts, shortIds };
  }
  throw new TapesError('E_NOT_FOUND', `call ${id} is gone`, { hint: 'tapes sessions' });
}
