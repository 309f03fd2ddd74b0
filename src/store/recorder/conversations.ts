// Where a call belongs: session, thread, turn, and whether it is the same request once more. One memory for each thread of the run;
// a thread that began in an earlier run is read back from the database when it is first met.
import { createHash } from 'node:crypto';

import type { CallIdentity } from '../../agents/index.ts';
import type { InputItem, RequestReading } from '../../derive/index.ts';
import { countNewItems, readPrompt, retryKey } from '../../derive/index.ts';
import type { CallStatus, Item } from '../../domain/index.ts';
import type { StoredContext } from '../stored-context.ts';
import { chooseConversation } from './anonymous-thread.ts';

export interface Placement {
  readonly sessionId: string;
  readonly threadId: string;
  /** Null: a prewarm, which belongs to the turn that follows on its thread. */
  readonly turnId: string | null;
  readonly prompt: string | null;
  readonly attempt: number;
  readonly retryKey: string;
  readonly newItems: number;
  /** What of the input can be searched for and was not there before: of a thread that is met for the first time, all of it. */
  readonly unseen: readonly InputItem[];
  /** The tool results among the input that no earlier call of the thread has sent. */
  readonly toolOutputs: readonly Readonly<Record<string, unknown>>[];
}

interface LastCall {
  readonly callId: string;
  readonly turnId: string | null;
  readonly kind: string;
  readonly retryKey: string;
  readonly attempt: number;
  status: CallStatus;
  responseId: string | null;
}

export interface EndedCall {
  readonly status: CallStatus;
  readonly responseId: string | null;
  readonly output: readonly Item[];
}

interface ThreadMemory {
  last: LastCall;
  /** The conversation up to and with the last call's input; of texts there are hashes. */
  input: readonly Item[];
  output: readonly Item[];
}

// A run may go on for weeks: a thread that was idle for long is read back when it goes on.
const rememberedThreads = 64;
// Of all threads together: some 300 bytes each.
const rememberedItems = 300_000;
const longestId = 256;

export class Conversations {
  readonly #threads = new Map<string, ThreadMemory>();
  /** An item that is sent again is the same object, where what it was read as is remembered. */
  readonly #slimmed = new WeakMap<Item, Item>();
  readonly #runId: string;
  /** How many threads the run has that no id tells apart. */
  #anonymous = 0;
  readonly #readStored: (threadId: string) => Promise<StoredContext | null>;

  constructor(runId: string, readStored: (threadId: string) => Promise<StoredContext | null>) {
    this.#runId = runId;
    this.#readStored = readStored;
  }

  async place(callId: string, identity: CallIdentity, reading: RequestReading): Promise<Placement> {
    const input = reading.inputItems.map(({ item }) => this.#slimOnce(item));
    // Old versions of agents send no ids: the cache key is the same for a whole conversation. Without one the run is the session, and
    // the items have to tell its conversations apart.
    const namedSession = identity.sessionId || reading.promptCacheKey;
    const sessionId = namedSession || this.#runId;
    const threadId = identity.threadId || namedSession || this.#findAnonymous(reading, input);
    const memory = this.#threads.get(threadId) ?? (await this.#recall(threadId));
    const turnId =
      identity.turnId ||
      (identity.kind === 'prewarm' ? null : synthesiseTurnId(threadId, reading, memory?.last.turnId));
    // Over a WebSocket only the new items are sent, on top of the response that is named.
    const isIncremental = reading.previousResponseId !== null;
    const newItems =
      isIncremental || memory === undefined ? input.length : countNewItems(input, memory.input, memory.output);
    const key = createHash('sha256').update(retryKey(reading)).digest('hex').slice(0, 32);
    const last = memory?.last;
    // An item that was done before a cut comes back in the retry's input, so "nothing new after a failure" is a retry too.
    const isRetry =
      last !== undefined &&
      last.turnId === turnId &&
      last.kind === identity.kind &&
      last.status !== 'completed' &&
      (last.retryKey === key || newItems === 0);
    const attempt = isRetry ? last.attempt + 1 : 1;
    const known = new Set(memory?.input.map(keyOf));
    this.#remember(threadId, {
      last: { callId, turnId, kind: identity.kind, retryKey: key, attempt, status: 'streaming', responseId: null },
      input: isIncremental && memory !== undefined ? [...memory.input, ...memory.output, ...input] : input,
      output: [],
    });
    return {
      sessionId,
      threadId,
      turnId,
      prompt: readPrompt(reading.inputItems, identity.turnId || null),
      attempt,
      retryKey: key,
      newItems,
      // What the model gave was found in its answers; it may come back changed, and is not new.
      unseen: reading.inputItems.filter(
        ({ item }) => known.size === 0 || (!known.has(keyOf(item)) && !isOfModel(item)),
      ),
      toolOutputs: reading.inputItems
        .filter(({ item }) => isToolOutput(item) && !known.has(keyOf(item)))
        .map(({ json }) => json),
    };
  }

  /** How a call ended, for the one that follows on its thread. */
  finish(threadId: string, callId: string, ended: EndedCall): void {
    const memory = this.#threads.get(threadId);
    if (memory?.last.callId !== callId) return;
    memory.last.status = ended.status;
    memory.last.responseId = ended.responseId;
    memory.output = ended.output.map(slim);
  }

  #slimOnce(item: Item): Item {
    const known = this.#slimmed.get(item);
    if (known !== undefined) return known;
    const slimmed = slim(item);
    this.#slimmed.set(item, slimmed);
    return slimmed;
  }

  /** A thread of the run: the first one takes the run's id. */
  #findAnonymous({ previousResponseId }: RequestReading, input: readonly Item[]): string {
    const known = [...this.#threads].filter(([threadId]) => this.#isAnonymous(threadId));
    const continued = known.find(
      ([, { last }]) => previousResponseId !== null && last.responseId === previousResponseId,
    );
    const found =
      continued?.[0] ??
      chooseConversation(
        input,
        known.map(([threadId, memory]) => ({ threadId, input: memory.input, status: memory.last.status })),
      );
    if (found !== null) return found;
    this.#anonymous += 1;
    return this.#anonymous === 1 ? this.#runId : `${this.#runId}.${this.#anonymous}`;
  }

  #isAnonymous(threadId: string): boolean {
    return threadId === this.#runId || threadId.startsWith(`${this.#runId}.`);
  }

  #remember(threadId: string, memory: ThreadMemory): void {
    this.#threads.delete(threadId);
    this.#threads.set(threadId, memory);
    let items = 0;
    for (const each of this.#threads.values()) items += each.input.length;
    for (const [oldest, each] of this.#threads) {
      if (oldest === threadId || (this.#threads.size <= rememberedThreads && items <= rememberedItems)) break;
      items -= each.input.length;
      this.#threads.delete(oldest);
    }
  }

  async #recall(threadId: string): Promise<ThreadMemory | undefined> {
    const stored = await this.#readStored(threadId);
    if (stored === null) return undefined;
    const { last } = stored;
    return {
      last: {
        callId: last.id,
        turnId: last.turn_id,
        kind: last.kind,
        retryKey: last.retry_key,
        attempt: last.attempt,
        status: last.status as CallStatus,
        responseId: null,
      },
      input: stored.input.map(slim),
      output: stored.output.map(slim),
    };
  }
}

const isToolOutput = (item: Item): boolean => item.callId !== undefined && item.type.endsWith('_output');

const isOfModel = (item: Item): boolean =>
  item.type === 'reasoning' || item.role === 'assistant' || item.type.endsWith('_call');

/** Items are the same by id where they have one (a call_id may come again), by content where they have none. */
const keyOf = (item: Item): string => shortenId(item.id ?? item.hash);

const isByModel = ({ type, role }: Item): boolean => role === 'assistant' || type === 'reasoning';

/** Ids have some fifty characters; one that has more is told by its hash. */
const shortenId = (id: string): string => (id.length <= longestId ? id : hashText(id));

const hashText = (text: string): string => createHash('sha256').update(text).digest('base64');

/** What telling items apart needs, so that memory does not hold the conversation's text. */
function slim(item: Item): Item {
  return {
    ...(item.id === undefined ? {} : { id: shortenId(item.id) }),
    hash: item.hash,
    type: shortenId(item.type),
    ...(item.role === undefined ? {} : { role: shortenId(item.role) }),
    // An answer that comes back without its id is known by its text.
    ...(item.text !== undefined && isByModel(item) && { text: hashText(item.text) }),
    ...(item.callId === undefined ? {} : { callId: shortenId(item.callId) }),
  };
}

/** A turn begins with a message of the user: its place and content name it. Without one (only new items were sent) the turn goes on. */
function synthesiseTurnId(threadId: string, reading: RequestReading, lastTurnId: string | null | undefined): string {
  const index = reading.inputItems.findLastIndex(({ item }) => item.type === 'message' && item.role === 'user');
  if (index === -1 && lastTurnId) return lastTurnId;
  const hash = reading.inputItems[index]?.item.hash ?? '';
  return createHash('sha256').update(`${threadId}\n${index}\n${hash}`).digest('hex').slice(0, 20);
}
