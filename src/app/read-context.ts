// `tapes context`: what fills the context of a call, and where it parts from the call before it.
import type { Call, Item, Thread } from '../domain/index.ts';
import type { BodyMap, ContextPiece, ItemState, PartShare, PrefixComparison } from '../derive/index.ts';
import { comparePrefix, judgeItems, readPieces, shareOut } from '../derive/index.ts';
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
  /** parentThread: of a sub-agent's first call, the newest one of the thread that started it. */
  readonly relation: 'thread' | 'parentThread';
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
  /** Null: the first call, or one whose body is gone. */
  readonly previous: PreviousCall | null;
}

export interface ShownContext extends CallContext {
  readonly shortIds: ReadonlyMap<string, string>;
}

const largestCount = 10;

/** Throws E_NOT_FOUND, E_AMBIGUOUS, E_NO_BODY, E_DB_…. */
export function readContext(places: PlaceOptions, id: string): Promise<ShownContext> {
  return withLibrary(findPlaces(places).dbFile, async (library) => {
    const { id: callId, sessionId } = await library.find(id, ['call']);
    const { threads, shortIds } = await library.readSession(sessionId);
    const body = await requireRequest(library, callId);
    const { call, thread } = findCall(threads, callId);
    const found = findPrevious(threads, thread, call);
    const previousBody = found === null ? null : await readRequest(library, found.call.id);
    const pieces = readPieces(body);
    const place = { sessionId, threadId: thread.id };
    const base = {
      call: callFacts(call, place),
      bodyBytes: body.bytes.length,
      previousResponseId: body.reading.previousResponseId,
      parts: shareOut(body, pieces),
      shortIds,
    };
    if (found === null || previousBody === null) {
      return { ...base, ...judged(pieces, null), previous: null };
    }
    const isOwn = found.relation === 'thread';
    const { states, removed } = judgeItems(itemsOf(body), itemsOf(previousBody), isOwn ? found.call.output : []);
    return {
      ...base,
      ...judged(pieces, states),
      previous: {
        call: callFacts(found.call, { sessionId, threadId: found.threadId }),
        relation: found.relation,
        bodyBytes: previousBody.bytes.length,
        ...comparePrefix(previousBody, body),
        removedItems: readPieces(previousBody).filter(({ index }) => index !== null && removed.includes(index)),
      },
    };
  });
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

function findPrevious(
  threads: readonly Thread[],
  thread: Thread,
  call: Call,
): { call: Call; threadId: string; relation: PreviousCall['relation'] } | null {
  const own = callsOf(thread);
  const before = own[own.findIndex(({ id }) => id === call.id) - 1];
  if (before !== undefined) return { call: before, threadId: thread.id, relation: 'thread' };
  const parent = threads.find(({ id }) => id === thread.parentThreadId);
  const newest = parent && callsOf(parent).findLast(({ startedAt }) => startedAt <= call.startedAt);
  return newest === undefined ? null : { call: newest, threadId: parent?.id ?? '', relation: 'parentThread' };
}
