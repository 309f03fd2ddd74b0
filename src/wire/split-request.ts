// Cuts a request body at the exact bytes of its values: the elements of the conversation's array, and other large values that one
// request repeats from the last. Works on bytes and decodes nothing, so that the cuts put together are the body again, whatever its
// layout; what is no JSON object is not cut. Where a conversation begins with the bytes of an earlier one, its cuts are taken from there.

/** Bytes from `start` up to `end`. What lies between two cuts is the request's own. */
export interface Cut {
  /** item: an element of the conversation; part: another large value. */
  readonly type: 'item' | 'part';
  readonly start: number;
  readonly end: number;
}

/** A body, and how `splitRequest` cut it. */
export interface CutBody {
  readonly body: Uint8Array;
  readonly cuts: readonly Cut[];
}

export interface SplitOptions {
  /** The top-level key of the conversation: `input`; other APIs have `messages`, `contents`. */
  readonly itemsKey?: string;
  /** From this size on a value outside of the conversation is a part. */
  readonly partBytes?: number;
  /** Changes only what it costs: items that both begin with are compared, and not looked through. */
  readonly earlier?: CutBody | null;
}

interface Entry {
  readonly key: string;
  readonly start: number;
  readonly end: number;
}

// A part costs about 200 bytes of rows: below this size keeping it once does not pay.
const defaultPartBytes = 512;
// An `input` of bare numbers (tokens) has elements that are smaller than the rows that would name them.
const minMeanItemBytes = 24;
// More values than this in one list are no conversation: an entry costs 80 bytes here, and its row more.
const maxEntries = 50_000;
// What may be left of an object whose large members are parts; above it the object is a part itself.
const maxLeftParts = 4;

const [quote, backslash, comma, colon] = [0x22, 0x5c, 0x2c, 0x3a];
const [openArray, closeArray, openObject, closeObject] = [0x5b, 0x5d, 0x7b, 0x7d];

/** In order, none touching another; null where the body is no whole JSON object. Of a key that is there twice, the last one counts. */
export function splitRequest(body: Uint8Array, options: SplitOptions = {}): readonly Cut[] | null {
  const { itemsKey = 'input', partBytes = defaultPartBytes, earlier = null } = options;
  const hasMark = body[0] === 0xef && body[1] === 0xbb && body[2] === 0xbf;
  const start = skipBlanks(body, hasMark ? 3 : 0);
  const known = new Map<number, readonly Entry[]>();
  const endOf = (from: number, key: string): number => {
    if (earlier === null || key !== itemsKey || body[from] !== openArray) return endOfValue(body, from);
    const items = findKnown(body, from, earlier);
    known.set(from, items);
    const last = items.at(-1);
    // Behind an element one is in the list.
    return last === undefined ? endOfValue(body, from) : endOfValue(body, last.end, 1);
  };
  const members = body[start] === openObject ? readEntries(body, start, { endOf }) : null;
  if (members === null || skipBlanks(body, members.end) !== body.length) return null;
  const conversation = members.entries.findLast(({ key }) => key === itemsKey);
  return members.entries.flatMap((member) => {
    const isList = member === conversation && body[member.start] === openArray;
    const items = isList ? cutItems(body, member, known.get(member.start) ?? []) : null;
    return items ?? cutParts(body, member, partBytes);
  });
}

/** The elements that the list at `list` has in common with the earlier one, from its first on. */
function findKnown(body: Uint8Array, list: number, earlier: CutBody): readonly Entry[] {
  const before = earlier.body;
  const items = earlier.cuts.filter(({ type }) => type === 'item');
  const known: Entry[] = [];
  let at = items[0]?.start ?? 0;
  const shift = skipBlanks(body, list + 1) - at;
  for (const { start, end } of items) {
    // Of a number or a word only what follows says where it ends.
    const first = before[start];
    if (first !== openObject && first !== openArray && first !== quote) break;
    if (Buffer.compare(before.subarray(at, end), body.subarray(at + shift, end + shift)) !== 0) break;
    known.push({ key: '', start: start + shift, end: end + shift });
    at = end;
  }
  return known;
}

function cutItems(body: Uint8Array, { start, end }: Entry, known: readonly Entry[]): readonly Cut[] | null {
  const items = readEntries(body, start, { known })?.entries ?? null;
  if (items === null) return null;
  if (items.length * minMeanItemBytes > end - start) return null;
  return items.map((item) => ({ type: 'item', start: item.start, end: item.end }));
}

function cutParts(body: Uint8Array, value: Entry, partBytes: number): readonly Cut[] {
  const size = value.end - value.start;
  if (size < partBytes) return [];
  const whole: Cut = { type: 'part', start: value.start, end: value.end };
  if (body[value.start] !== openObject) return [whole];
  // Codex changes the order of `client_metadata` from call to call, but not what is large in it.
  const members = readEntries(body, value.start)?.entries ?? [];
  const large = members.filter((member) => member.end - member.start >= partBytes);
  const left = large.reduce((bytes, member) => bytes - (member.end - member.start), size);
  if (left > maxLeftParts * partBytes) return [whole];
  return large.map((member) => ({ type: 'part', start: member.start, end: member.end }));
}

interface EntryOptions {
  /** The first entries, of a list. */
  readonly known?: readonly Entry[];
  /** Behind the value that begins at `from`; -1 where there is none. */
  readonly endOf?: (from: number, key: string) => number;
}

/** The values directly in the array or object that begins at `at`; null where it does not end, or has too many. */
function readEntries(
  body: Uint8Array,
  at: number,
  { known = [], endOf = (from) => endOfValue(body, from) }: EntryOptions = {},
): { entries: readonly Entry[]; end: number } | null {
  const isObject = body[at] === openObject;
  const close = isObject ? closeObject : closeArray;
  const entries: Entry[] = [...known];
  let next = skipBlanks(body, known.at(-1)?.end ?? at + 1);
  while (body[next] !== close) {
    if (entries.length > 0) {
      if (body[next] !== comma) return null;
      next = skipBlanks(body, next + 1);
    }
    let key = '';
    if (isObject) {
      const keyEnd = body[next] === quote ? endOfString(body, next) : -1;
      if (keyEnd === -1) return null;
      key = readKey(body.subarray(next, keyEnd));
      next = skipBlanks(body, keyEnd);
      if (body[next] !== colon) return null;
      next = skipBlanks(body, next + 1);
    }
    const end = endOf(next, key);
    if (end === -1) return null;
    if (entries.length === maxEntries) return null;
    entries.push({ key, start: next, end });
    next = skipBlanks(body, end);
  }
  return { entries, end: next + 1 };
}

/** A key as JSON means it ("in\u0070ut" is input); one that cannot be read is as good as none. */
function readKey(bytes: Uint8Array): string {
  try {
    const key: unknown = JSON.parse(new TextDecoder().decode(bytes));
    return typeof key === 'string' ? key : '';
  } catch {
    return '';
  }
}

function skipBlanks(body: Uint8Array, from: number): number {
  let at = from;
  while (body[at] === 0x20 || body[at] === 0x0a || body[at] === 0x0d || body[at] === 0x09) at += 1;
  return at;
}

/** Behind the quote that ends the string which begins at `at`; -1 where none does. */
function endOfString(body: Uint8Array, at: number): number {
  let from = at + 1;
  for (;;) {
    const end = body.indexOf(quote, from);
    if (end === -1) return -1;
    let escapes = end;
    while (body[escapes - 1] === backslash && escapes > from) escapes -= 1;
    if ((end - escapes) % 2 === 0) return end + 1;
    from = end + 1;
  }
}

/**
 * Behind the value that begins at `from`, or the one that is open there at `inside`; -1 where there is none. With no recursion: a body may be
 * nested as deep as it is long.
 */
function endOfValue(body: Uint8Array, from: number, inside = 0): number {
  let depth = inside;
  let at = from;
  while (at < body.length) {
    const byte = body[at];
    if (byte === quote) {
      at = endOfString(body, at);
      if (at === -1 || depth === 0) return at;
    } else if (byte === openObject || byte === openArray) {
      depth += 1;
      at += 1;
    } else if (byte === closeObject || byte === closeArray) {
      if (depth === 0) return -1;
      depth -= 1;
      at += 1;
      if (depth === 0) return at;
    } else if (depth === 0) {
      return endOfWord(body, at);
    } else {
      at += 1;
    }
  }
  return -1;
}

/** A number, true, false, null, or what else stands there. */
function endOfWord(body: Uint8Array, from: number): number {
  let at = from;
  for (; at < body.length; at += 1) {
    const byte = body[at] ?? 0;
    if (byte <= 0x20 || byte === comma || byte === colon || byte === closeObject || byte === closeArray) break;
  }
  return at === from ? -1 : at;
}
