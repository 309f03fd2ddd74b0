// A request taken apart and read, with what the one before it in its conversation was read as: of what both begin with, nothing is looked
// through, hashed or parsed again. With or without an earlier one the results are the same.
import type { InputItem, RequestReading } from '../../derive/index.ts';
import { readInputItem, readRequestAround, readRequestBody } from '../../derive/index.ts';
import { countJsonValues, maxJsonValues, readUtf8 } from '../../domain/index.ts';
import type { ChainNode, TakenApart } from '../request-items.ts';
import { takeApart } from '../request-items.ts';

export interface ReadRequest {
  /** All of its bytes. */
  readonly body: Uint8Array;
  /** Null: it is kept whole. */
  readonly taken: TakenApart | null;
  readonly reading: RequestReading;
  /** For the request that follows; null where nothing of it can be taken over. */
  readonly known: KnownRequest | null;
}

/** Shared by the requests of a conversation: nothing of it may be changed. */
export interface KnownRequest {
  readonly taken: TakenApart;
  /** One for each node. */
  readonly items: readonly KnownItem[];
}

interface KnownItem {
  readonly input: InputItem;
  /** How many JSON values it holds. */
  readonly values: number;
}

const openObject = 0x7b;

/** `bytes`: masked. Never throws for what is in them. */
export function readRequest(bytes: Uint8Array, earlier: KnownRequest | null): ReadRequest {
  const body = haveOwn(bytes);
  const taken = takeApart(body, earlier?.taken ?? null);
  const items = taken === null ? null : readItems(taken.nodes, earlier);
  const reading = taken === null || items === null ? null : readAround(taken, items);
  // In all that is unusual, reading the whole tells.
  if (taken === null || items === null || reading === null) {
    return { body, taken, reading: readRequestBody(readUtf8(body)), known: null };
  }
  return { body, taken, reading, known: { taken, items } };
}

/** What is kept for the next request must not keep a larger buffer in memory. A Buffer: it is the faster one to search. */
function haveOwn(bytes: Uint8Array): Buffer {
  if (bytes.buffer.byteLength === bytes.length) return Buffer.from(bytes.buffer);
  const own = Buffer.allocUnsafeSlow(bytes.length);
  own.set(bytes);
  return own;
}

/** Null where one is no object, or no JSON. */
function readItems(nodes: readonly ChainNode[], earlier: KnownRequest | null): KnownItem[] | null {
  const items: KnownItem[] = [];
  for (const [at, { item, bytes }] of nodes.entries()) {
    const isKnown = earlier?.taken.nodes[at]?.item.equals(item) ?? false;
    const read = (isKnown && earlier?.items[at]) || readItem(bytes);
    if (read === null) return null;
    items.push(read);
  }
  return items;
}

function readItem(bytes: Uint8Array): KnownItem | null {
  // A byte order mark would be left out here, and is no JSON in a list.
  if (bytes[0] !== openObject) return null;
  const text = readUtf8(bytes);
  const input = readInputItem(text);
  return input === null ? null : { input, values: countJsonValues(text) };
}

/**
 * A list of JSON objects with commas between them, which is what was cut there, in the place of an empty list: the body is JSON where that is,
 * and means what that means. Null where it is not, and where it may hold too many values.
 */
function readAround({ body, cuts }: TakenApart, items: readonly KnownItem[]): RequestReading | null {
  const cutItems = cuts.filter(({ type }) => type === 'item');
  const [first, last] = [cutItems[0], cutItems.at(-1)];
  if (first === undefined || last === undefined) return null;
  const around = readUtf8(Buffer.concat([body.subarray(0, first.start), body.subarray(last.end)]));
  // As where it is read whole: a short text cannot hold too many.
  if (body.length > 2 * maxJsonValues && countAll(around, items) > maxJsonValues) return null;
  return readRequestAround(
    around,
    items.map(({ input }) => input),
  );
}

/** As countJsonValues counts in the whole body: an element is a value behind the bracket or a comma, and the bracket is in `around`. */
const countAll = (around: string, items: readonly KnownItem[]): number =>
  items.reduce((sum, { values }) => sum + values, countJsonValues(around) - 1);
