// HTTP/1.1 read from bytes that pass (RFC 9112): heads, pieces of bodies, ends. Pure, and a reader only: what it cannot make sense of
// makes it silent (`isLost`), and nothing that passes depends on it.
import type { RawHeaders } from '../domain/index.ts';

export interface Http1Head {
  /** The three parts of the first line: method, target, version; or version, status, reason. */
  readonly line: readonly [string, string, string];
  /** Values without the white space around them, a byte a character; folded lines are joined by a space. */
  readonly headers: RawHeaders;
  /** Nobody could read its lines in another way: none is folded, none has a control character or a space in its name. */
  readonly isPlain: boolean;
}

export type Http1Event =
  | { readonly type: 'head'; readonly head: Http1Head }
  | { readonly type: 'data'; readonly data: Buffer }
  | { readonly type: 'end' };

export interface Http1Reader {
  /** Reads on; bodies are given by reference. */
  push(bytes: Buffer): Http1Event[];
  /** The connection has ended: an end for a body that has no other. */
  end(): Http1Event[];
  /** Between two messages: nothing has come of the next one. */
  isBetween(): boolean;
  isLost(): boolean;
}

const maxHeadBytes = 1024 * 1024;
const maxLineBytes = 64 * 1024;
const [carriageReturn, lineFeed] = [13, 10];
/** A size of so many digits is counted in whole numbers of 32 bits. */
const mostPlainDigits = 7;
const noDigit = 255;
/** By byte. */
const hexDigits = Uint8Array.from({ length: 256 }, (_, byte) => {
  const digit = Number.parseInt(String.fromCharCode(byte), 16);
  return Number.isNaN(digit) ? noDigit : digit;
});

type State =
  | { readonly type: 'head' | 'chunkSize' | 'chunkEnd' | 'trailers' | 'untilEnd' | 'lost' }
  | { readonly type: 'length' | 'chunk'; left: number };

/** A reader of requests. It loses those whose end the provider may find elsewhere (RFC 9112 section 11.2), so that nothing is told of them that is not so. */
export function readRequests(): Http1Reader {
  return readMessages(({ headers, isPlain }) =>
    isPlain && hasOneEnd(headers) ? bodyOf(headers, { type: 'length', left: 0 }) : { type: 'lost' },
  );
}

function hasOneEnd(headers: RawHeaders): boolean {
  const all = valuesOf(headers, 'transfer-encoding');
  const lengths = valuesOf(headers, 'content-length');
  if (all.length > 0) return all.length === 1 && all[0] === 'chunked' && lengths.length === 0;
  return new Set(lengths).size <= 1;
}

/** A reader of responses. `methodOfNext`: of the request that the next final response answers. */
export function readResponses(methodOfNext: () => string | null): Http1Reader {
  return readMessages((head) => {
    const status = Number(head.line[1]);
    // What follows is no HTTP any more: it comes as it is.
    if (status === 101) return { type: 'untilEnd' };
    if (status < 200) return { type: 'head' };
    if (methodOfNext() === 'HEAD' || status === 204 || status === 304) return { type: 'length', left: 0 };
    return bodyOf(head.headers, { type: 'untilEnd' });
  });
}

function bodyOf(headers: RawHeaders, otherwise: State): State {
  const encoding = valuesOf(headers, 'transfer-encoding').at(-1);
  if (encoding !== undefined) return { type: encoding.endsWith('chunked') ? 'chunkSize' : 'untilEnd' };
  const [length] = valuesOf(headers, 'content-length');
  if (length === undefined) return otherwise;
  return /^\d{1,15}$/.test(length) ? { type: 'length', left: Number(length) } : { type: 'lost' };
}

const valuesOf = (headers: RawHeaders, name: string): string[] =>
  headers.filter(([given]) => given.toLowerCase() === name).map(([, value]) => value.toLowerCase());

function readMessages(stateBehind: (head: Http1Head) => State): Http1Reader {
  let state: State = { type: 'head' };
  /** What has come of a head or a line that is not whole yet. */
  let held: Buffer = Buffer.alloc(0);

  const lose = (): null => {
    state = { type: 'lost' };
    held = Buffer.alloc(0);
    return null;
  };
  /** What comes up to and with the first of these ends, and where the bytes go on; null, and held, until it has come. */
  const take = (
    bytes: Buffer,
    at: number,
    ends: readonly string[],
    maxBytes: number,
  ): { readonly taken: string; readonly next: number } | null => {
    const before = held.length;
    const given = bytes.subarray(at);
    const whole = before === 0 ? given : Buffer.concat([held, given]);
    const found = ends.flatMap((end) => {
      const place = whole.indexOf(end, Math.max(0, before - 3), 'latin1');
      return place === -1 ? [] : [place + end.length];
    });
    if (found.length === 0) {
      held = whole;
      return held.length > maxBytes ? lose() : null;
    }
    held = Buffer.alloc(0);
    const end = Math.min(...found);
    return { taken: whole.toString('latin1', 0, end), next: at + end - before };
  };
  const ended = (events: Http1Event[]): void => {
    state = { type: 'head' };
    events.push({ type: 'end' });
  };

  const readHead = (bytes: Buffer, at: number, events: Http1Event[]): number | null => {
    // Empty lines before a message are to be ignored (RFC 9112 section 2.2).
    let start = at;
    if (held.length === 0) while (bytes[start] === carriageReturn || bytes[start] === lineFeed) start += 1;
    if (start === bytes.length) return null;
    const found = take(bytes, start, ['\n\r\n', '\n\n'], maxHeadBytes);
    if (found === null) return null;
    const head = parseHead(found.taken);
    if (head === null) return lose();
    state = stateBehind(head);
    events.push({ type: 'head', head });
    if (state.type === 'length' && state.left === 0) ended(events);
    return found.next;
  };

  const startChunk = (size: number, next: number): number => {
    state = size === 0 ? { type: 'trailers' } : { type: 'chunk', left: size };
    return next;
  };
  const readChunkSize = (bytes: Buffer, at: number): number | null => {
    // Almost all are a few digits, and here whole: no object is worth them.
    if (held.length === 0) {
      let place = at;
      let size = 0;
      for (; place < at + mostPlainDigits; place += 1) {
        const digit = hexDigits[bytes[place] ?? 0]!;
        if (digit === noDigit) break;
        size = size * 16 + digit;
      }
      const isPlain = place > at && bytes[place] === carriageReturn && bytes[place + 1] === lineFeed;
      if (isPlain) return startChunk(size, place + 2);
    }
    const found = take(bytes, at, ['\n'], maxLineBytes);
    if (found === null) return null;
    const digits = /^([0-9a-f]{1,12})[ \t]*(?:;|\r?\n)/i.exec(found.taken);
    return digits === null ? lose() : startChunk(Number.parseInt(digits[1]!, 16), found.next);
  };

  const readChunkEnd = (bytes: Buffer, at: number): number | null => {
    let next = at + 2;
    if (held.length > 0 || bytes[at] !== carriageReturn || bytes[at + 1] !== lineFeed) {
      const found = take(bytes, at, ['\n'], 1);
      if (found === null) return null;
      // Whoever reads on behind anything else reads another message than the other end.
      if (found.taken !== '\r\n' && found.taken !== '\n') return lose();
      next = found.next;
    }
    state = { type: 'chunkSize' };
    return next;
  };

  /** Reads one thing from `at` on. Where the bytes go on; null: there is nothing left of them. */
  const step = (bytes: Buffer, at: number, events: Http1Event[]): number | null => {
    switch (state.type) {
      case 'lost':
        return null;
      case 'untilEnd':
        events.push({ type: 'data', data: bytes.subarray(at) });
        return null;
      case 'head':
        return readHead(bytes, at, events);
      case 'chunkSize':
        return readChunkSize(bytes, at);
      case 'chunkEnd':
        return readChunkEnd(bytes, at);
      case 'trailers': {
        const found = take(bytes, at, ['\n'], maxHeadBytes);
        if (found === null) return null;
        if (found.taken.length <= 2) ended(events);
        return found.next;
      }
      case 'length':
      case 'chunk': {
        const data = bytes.subarray(at, at + state.left);
        events.push({ type: 'data', data });
        state.left -= data.length;
        if (state.left > 0) return null;
        if (state.type === 'chunk') state = { type: 'chunkEnd' };
        else ended(events);
        return at + data.length;
      }
    }
  };

  return {
    push(bytes) {
      const events: Http1Event[] = [];
      for (let at: number | null = 0; at !== null && at < bytes.length;) at = step(bytes, at, events);
      return events;
    },
    end() {
      const events: Http1Event[] = [];
      if (state.type === 'untilEnd') ended(events);
      return events;
    },
    isBetween: () => state.type === 'head' && held.length === 0,
    isLost: () => state.type === 'lost',
  };
}

function parseHead(text: string): Http1Head | null {
  const [first = '', ...lines] = text.replace(/[\r\n]+$/, '').split(/\r?\n/);
  const line = /^(\S+) (\S.*) (HTTP\/\d\.\d)$/.exec(first) ?? /^(HTTP\/\d\.\d) (\d{3}) ?(.*)$/.exec(first);
  if (line === null) return null;
  const headers: [string, string][] = [];
  // eslint-disable-next-line no-control-regex
  let isPlain = !/[\0\r\n]/.test(text.replaceAll('\r\n', ''));
  for (const field of lines) {
    const last = headers.at(-1);
    if (/^[ \t]/.test(field) && last !== undefined) {
      isPlain = false;
      last[1] = `${last[1]} ${trimSpace(field)}`;
      continue;
    }
    const colon = field.indexOf(':');
    if (colon < 1) return null;
    const name = field.slice(0, colon);
    if (/\s/.test(name)) isPlain = false;
    headers.push([name, trimSpace(field.slice(colon + 1))]);
  }
  return { line: [line[1]!, line[2]!, line[3]!], headers, isPlain };
}

const trimSpace = (value: string): string => value.replaceAll(/^[ \t]+|[ \t]+$/g, '');
