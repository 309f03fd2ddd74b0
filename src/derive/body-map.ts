// Where the parts of a request body lie, in bytes: its top-level members, and the elements of its `input`. The text must be JSON
// that has been parsed before, so nothing is checked again. No recursion: a body may be nested as deep as it likes.
import type { Item } from '../domain/index.ts';
import { toItem } from './item.ts';
import { isRecord } from './json.ts';
import { readRequestBody } from './request.ts';
import type { RequestReading } from './request.ts';

export interface Span {
  readonly start: number;
  /** Behind its last byte. */
  readonly end: number;
}

export interface BodyMember extends Span {
  readonly key: string;
}

export interface BodyElement extends Span {
  readonly json: unknown;
  readonly item: Item;
}

export interface BodyMap {
  readonly bytes: Uint8Array;
  readonly reading: RequestReading;
  /** The values of the request's top-level keys, in order. */
  readonly members: readonly BodyMember[];
  /** The elements of `input`, also those that are no objects; a bare string is a message of the user. */
  readonly input: readonly BodyElement[];
}

const [quote, backslash, comma] = [0x22, 0x5c, 0x2c];
const [openBrace, closeBrace, openBracket, closeBracket] = [0x7b, 0x7d, 0x5b, 0x5d];
const blanks: ReadonlySet<number | undefined> = new Set([0x20, 0x09, 0x0a, 0x0d]);

/** Of what is no JSON object there are no members. */
export function mapBody(bytes: Uint8Array): BodyMap {
  const text = new TextDecoder().decode(bytes);
  const reading = readRequestBody(text);
  if (reading.json === null) return { bytes, reading, members: [], input: [] };
  const outer = readMembers(bytes, bytes.indexOf(openBrace));
  const { response, type } = reading.json;
  const nested =
    type === 'response.create' && isRecord(response) ? outer.findLast(({ key }) => key === 'response') : null;
  const members = nested ? readMembers(bytes, nested.start) : outer;
  // Of a key that stands there twice, the last one counts, as for JSON.parse.
  const input = members.findLast(({ key }) => key === 'input');
  if (input === undefined) return { bytes, reading, members, input: [] };
  const isBare = bytes[input.start] === quote;
  const spans = isBare ? [{ start: input.start, end: input.end }] : readElements(bytes, input);
  const elements = spans.map((span): BodyElement => {
    const json = parseSpan({ bytes }, span);
    const bare = isBare ? reading.inputItems[0]?.item : undefined;
    return { ...span, json, item: bare ?? toItem(isRecord(json) ? json : { value: json }) };
  });
  return { bytes, reading, members, input: elements };
}

export function parseSpan({ bytes }: Pick<BodyMap, 'bytes'>, { start, end }: Span): unknown {
  return JSON.parse(new TextDecoder().decode(bytes.subarray(start, end)));
}

/** Of the array that begins at `span.start`; anything else has no elements. */
export function readElements(bytes: Uint8Array, span: Span): Span[] {
  if (bytes[span.start] !== openBracket) return [];
  const elements: Span[] = [];
  let at = skipBlanks(bytes, span.start + 1);
  while (at < bytes.length && bytes[at] !== closeBracket) {
    const end = endOfValue(bytes, at);
    elements.push({ start: at, end });
    at = skipBlanks(bytes, end);
    if (bytes[at] === comma) at = skipBlanks(bytes, at + 1);
  }
  return elements;
}

/** Of the object that begins at `start`. */
export function readMembers(bytes: Uint8Array, start: number): BodyMember[] {
  const members: BodyMember[] = [];
  let at = skipBlanks(bytes, start + 1);
  while (at < bytes.length && bytes[at] !== closeBrace) {
    const endOfKey = endOfValue(bytes, at);
    const key = JSON.parse(new TextDecoder().decode(bytes.subarray(at, endOfKey))) as string;
    // The colon.
    const value = skipBlanks(bytes, skipBlanks(bytes, endOfKey) + 1);
    const end = endOfValue(bytes, value);
    members.push({ key, start: value, end });
    at = skipBlanks(bytes, end);
    if (bytes[at] === comma) at = skipBlanks(bytes, at + 1);
  }
  return members;
}

function skipBlanks(bytes: Uint8Array, from: number): number {
  let at = from;
  while (blanks.has(bytes[at])) at += 1;
  return at;
}

function endOfValue(bytes: Uint8Array, start: number): number {
  const first = bytes[start];
  if (first === quote) return endOfString(bytes, start);
  if (first === openBrace || first === openBracket) return endOfNest(bytes, start);
  let at = start;
  for (; at < bytes.length; at += 1) {
    const byte = bytes[at];
    if (byte === comma || byte === closeBrace || byte === closeBracket || blanks.has(byte)) break;
  }
  return at;
}

function endOfString(bytes: Uint8Array, start: number): number {
  let at = start + 1;
  while (at < bytes.length && bytes[at] !== quote) at += bytes[at] === backslash ? 2 : 1;
  return Math.min(at + 1, bytes.length);
}

function endOfNest(bytes: Uint8Array, start: number): number {
  let depth = 0;
  let at = start;
  while (at < bytes.length) {
    const byte = bytes[at];
    if (byte === quote) {
      at = endOfString(bytes, at);
      continue;
    }
    at += 1;
    if (byte === openBrace || byte === openBracket) depth += 1;
    else if ((byte === closeBrace || byte === closeBracket) && --depth === 0) break;
  }
  return at;
}
