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
  /** Bytes up to and with the first of these ends; null, and held, until it has come. */
  const take = (
    bytes: Buffer,
    ends: readonly string[],
    maxBytes: number,
  ): { readonly taken: string; readonly rest: Buffer } | null => {
    const from = Math.max(0, held.length - 3);
    const whole = held.length === 0 ? bytes : Buffer.concat([held, bytes]);
    const found = ends.flatMap((end) => {
      const at = whole.indexOf(end, from, 'latin1');
      return at === -1 ? [] : [at + end.length];
    });
    if (found.length === 0) {
      held = whole;
      return held.length > maxBytes ? lose() : null;
    }
    held = Buffer.alloc(0);
    const end = Math.min(...found);
    return { taken: whole.toString('latin1', 0, end), rest: whole.subarray(end) };
  };
  const ended = (events: Http1Event[]): void => {
    state = { type: 'head' };
    events.push({ type: 'end' });
  };

  const readHead = (bytes: Buffer, events: Http1Event[]): Buffer | null => {
    // Empty lines before a message are to be ignored (RFC 9112 section 2.2).
    let start = 0;
    if (held.length === 0) while (bytes[start] === 13 || bytes[start] === 10) start += 1;
    if (start === bytes.length) return null;
    const found = take(bytes.subarray(start), ['\n\r\n', '\n\n'], maxHeadBytes);
    if (found === null) return null;
    const head = parseHead(found.taken);
    if (head === null) return lose();
    state = stateBehind(head);
    events.push({ type: 'head', head });
    if (state.type === 'length' && state.left === 0) ended(events);
    return found.rest;
  };

  /** Reads one thing. What is left of the bytes; null: nothing. */
  const step = (bytes: Buffer, events: Http1Event[]): Buffer | null => {
    switch (state.type) {
      case 'lost':
        return null;
      case 'untilEnd':
        events.push({ type: 'data', data: bytes });
        return null;
      case 'head':
        return readHead(bytes, events);
      case 'chunkSize': {
        const found = take(bytes, ['\n'], maxLineBytes);
        if (found === null) return null;
        const size = /^([0-9a-f]{1,12})[ \t]*(?:;|\r?\n)/i.exec(found.taken);
        if (size === null) return lose();
        const left = Number.parseInt(size[1]!, 16);
        state = left === 0 ? { type: 'trailers' } : { type: 'chunk', left };
        return found.rest;
      }
      case 'chunkEnd': {
        const found = take(bytes, ['\n'], 2);
        if (found === null) return null;
        state = { type: 'chunkSize' };
        return found.rest;
      }
      case 'trailers': {
        const found = take(bytes, ['\n'], maxHeadBytes);
        if (found === null) return null;
        if (found.taken.length <= 2) ended(events);
        return found.rest;
      }
      case 'length':
      case 'chunk': {
        const data = bytes.subarray(0, state.left);
        events.push({ type: 'data', data });
        state.left -= data.length;
        if (state.left > 0) return null;
        if (state.type === 'chunk') state = { type: 'chunkEnd' };
        else ended(events);
        return bytes.subarray(data.length);
      }
    }
  };

  return {
    push(bytes) {
      const events: Http1Event[] = [];
      for (let rest: Buffer | null = bytes; rest !== null && rest.length > 0;) rest = step(rest, events);
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
