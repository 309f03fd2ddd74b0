// `tapes context`: what fills the context of a call, and where it parts from the call before it.
import type { Call, Item, Thread } from '../domain/index.ts';
import type { BodyMap, ContextPiece, ItemState, PartShare, PrefixComparison } from '../derive/index.ts';
import { comparePrefix, judgeItems, readPieces, shareOut } from '../derive/index.ts';
import { readForkOrigin } from '../agents/index.ts';
import { TapesError } from '../errors.ts';
import type { Library } from '../store/index.ts';
import { withLibrary } from '../store/index.ts';
import type { PlaceOptions } from './home.ts';
import { findPlaces } from './home.ts';
import type { CallFacts } from './read-request.ts';
import { callFacts, readRequest, requireRequest } from './read-request.ts';

export interface JudgedPiece extends ContextPiece {
  /** Null where there is no call before, and of what is no item. */
  readonly state: ItemState | null;
}

export interface PreviousCall extends PrefixComparison {
  readonly call: CallFacts;
  /**
   * Of a thread's first call: parentThread, the newest one of the thread that started this sub-agent; forkedFrom, that of the thread,
   * of another session, that this one was forked from.
   */
  readonly relation: 'thread' | 'parentThread' | 'forkedFrom';
  readonly bodyBytes: number;
  readonly removedItems: readonly ContextPiece[];
}

export interface CallContext {
  readonly call: CallFacts;
  readonly bodyBytes: number;
  /** The response that this request goes on from, where it sends only what is new. */
  readonly previousResponseId: string | null;
  readonly parts: readonly PartShare[];
  readonly pieces: readonly JudgedPiece[];
  readonly largest: readonly JudgedPiece[];
  /** Null: there is none, or its body is gone or damaged. */
  readonly previous: PreviousCall | null;
}

export interface ShownContext extends CallContext {
  readonly shortIds: ReadonlyMap<string, string>;
}

const largestCount = 10;

/** Throws E_NOT_FOUND, E_AMBIGUOUS, E_NO_BODY, E_BODY_DAMAGED, E_DB_…. */
export function readContext(places: PlaceOptions, id: string): Promise<ShownContext> {
  return withLibrary(findPlaces(places).dbFile, async (library) => {
    const { id: callId, sessionId } = await library.find(id, ['call']);
    const { threads, shortIds } = await library.readSession(sessionId);
    const body = await requireRequest(library, callId);
    const { call, thread } = findCall(threads, callId);
    const place = { sessionId, threadId: thread.id };
    const found = findPrevious(threads, place, call) ?? (await findOrigin(library, body, call));
    const previousBody = found === null ? null : await readRequest(library, found.call.id).catch(ignoreDamage);
    const pieces = readPieces(body);
    const base = {
      call: callFacts(call, place),
      bodyBytes: body.bytes.length,
      previousResponseId: body.reading.previousResponseId,
      parts: shareOut(body, pieces),
      shortIds: new Map([...(found?.shortIds ?? []), ...shortIds]),
    };
    if (found === null || previousBody === null) {
      return { ...base, ...judged(pieces, null), previous: null };
    }
    const { states, removed } = judgeItems(itemsOf(body), itemsOf(previousBody), found.call.output);
    return {
      ...base,
      ...judged(pieces, states),
      previous: {
        call: callFacts(found.call, found),
        relation: found.relation,
        bodyBytes: previousBody.bytes.length,
        ...comparePrefix(previousBody, body),
        removedItems: readPieces(previousBody).filter(({ index }) => index !== null && removed.includes(index)),
      },
    };
  });
}

/** A call before it that cannot be read says nothing about this one. */
function ignoreDamage(error: unknown): null {
  if (error instanceof TapesError && error.code === 'E_BODY_DAMAGED') return null;
  throw error;
}

const itemsOf = (body: BodyMap): Item[] => body.input.map(({ item }) => item);

function judged(
  pieces: readonly ContextPiece[],
  states: readonly ItemState[] | null,
): Pick<CallContext, 'pieces' | 'largest'> {
  const all = pieces.map((piece) => ({
    ...piece,
    state: piece.index === null ? null : (states?.[piece.index] ?? null),
  }));
  return { pieces: all, largest: all.toSorted((a, b) => b.sizeBytes - a.sizeBytes).slice(0, largestCount) };
}

function findCall(threads: readonly Thread[], callId: string): { thread: Thread; call: Call } {
  for (const thread of threads) {
    const call = callsOf(thread).find(({ id }) => id === callId);
    if (call !== undefined) return { thread, call };
  }
  throw new Error(`call ${callId} is not in the session that it was found in`);
}

/** In the order in which they began. */
function callsOf(thread: Thread): Call[] {
  return thread.turns
    .flatMap(({ calls }) => calls)
    .toSorted((a, b) => Date.parse(a.startedAt) - Date.parse(b.startedAt));
}

interface FoundCall {
  readonly call: Call;
  readonly sessionId: string;
  readonly threadId: string;
  readonly relation: PreviousCall['relation'];
  /** Where they are of another session. */
  readonly shortIds?: ReadonlyMap<string, string>;
}

function findPrevious(
  threads: readonly Thread[],
  { sessionId, threadId }: Pick<FoundCall, 'sessionId' | 'threadId'>,
  call: Call,
): FoundCall | null {
  const thread = threads.find(({ id }) => id === threadId);
  const own = thread === undefined ? [] : callsOf(thread);
  const before = own[own.findIndex(({ id }) => id === call.id) - 1];
  if (before !== undefined) return { call: before, sessionId, threadId, relation: 'thread' };
  const parent = threads.find(({ id }) => id === thread?.parentThreadId);
  const newest = parent && newestBefore(parent, call);
  return newest ? { call: newest, sessionId, threadId: parent.id, relation: 'parentThread' } : null;
}

const newestBefore = (thread: Thread, { startedAt }: Call): Call | undefined =>
  callsOf(thread).findLast((each) => each.startedAt <= startedAt);

/** A session may be forked from one that was never recorded. */
async function findOrigin(library: Library, body: BodyMap, call: Call): Promise<FoundCall | null> {
  const threadId = readForkOrigin(body.reading.json);
  if (threadId === null) return null;
  const found = await library.find(threadId, ['thread']).catch((error: unknown) => {
    if (error instanceof TapesError && error.code === 'E_NOT_FOUND') return null;
    throw error;
  });
  if (found === null) return null;
  const { threads, shortIds } = await library.readSession(found.sessionId);
  const thread = threads.find(({ id }) => id === threadId);
  const newest = thread && newestBefore(thread, call);
  return newest ? { call: newest, sessionId: found.sessionId, threadId, relation: 'forkedFrom', shortIds } : null;
}
