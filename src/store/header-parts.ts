// The headers of exchanges in parts: those of a run's exchanges differ from each other in few values only. A list of headers is kept once,
// and an exchange with the same names in the same order keeps which list it is like and, by their places in it, the values that are others.
// A long one among those (an agent's turn metadata) is kept once too. Figures of other ways are in bench/README.md. The view
// exchange_headers puts headers together in SQL.
import { createHash } from 'node:crypto';

import type { RawHeaders } from '../domain/index.ts';
import { TapesError } from '../errors.ts';
import type { Connection } from './connection.ts';
import type { ExchangeRow, HeaderPartRow } from './rows.ts';

/** What an exchange's row holds of one side's headers, and what else must be there. */
export interface StoredHeaders {
  /** JSON: the whole list, or the values at their places where they are neither the list's nor among `values`. */
  readonly headers: string;
  readonly list: Uint8Array | null;
  readonly values: Uint8Array | null;
  /** What the two name: put wherever they are. */
  readonly parts: readonly HeaderPartRow[];
}

interface Shape {
  readonly list: RawHeaders;
  readonly part: HeaderPartRow;
  readonly last: RawHeaders;
  /** How many characters of changes the newest lists would have saved, had they been put one after the other. */
  readonly missed: number;
}

type Values = Readonly<Record<string, string>>;

// Below this a list costs less than naming another.
const wholeLength = 64;
// A part of its own costs about 140 bytes, and its name 32 at each use.
const longLength = 200;
// An agent makes few kinds of requests. Of those not met for longest the next list is kept whole once more.
const rememberedShapes = 64;

/** Of one run's exchanges, in their order. */
export class SharedHeaders {
  /** By the names of the headers, the one met last at the end. */
  readonly #shapes = new Map<string, Shape>();

  /** `headers`: masked. */
  share(headers: RawHeaders): StoredHeaders {
    const whole = JSON.stringify(headers);
    if (whole.length < wholeLength) return { headers: whole, list: null, values: null, parts: [] };
    const { list, part } = this.#follow(headers, whole);
    const { short, long } = changesOf(list, headers);
    const values = isEmpty(long) ? null : partOf(JSON.stringify(long));
    return {
      headers: JSON.stringify(short),
      list: part.hash,
      values: values?.hash ?? null,
      parts: values === null ? [part] : [part, values],
    };
  }

  /** The list that these headers are told by: a newer one takes its place when that has come to cost less. */
  #follow(headers: RawHeaders, whole: string): Shape {
    const names = JSON.stringify(headers.map(([name]) => name));
    const known = this.#shapes.get(names);
    const missed =
      known === undefined ? 0 : Math.max(0, known.missed + costOf(known.list, headers) - costOf(known.last, headers));
    const shape =
      known === undefined || missed > whole.length
        ? { list: headers, part: partOf(whole), last: headers, missed: 0 }
        : { ...known, last: headers, missed };
    this.#shapes.delete(names);
    this.#shapes.set(names, shape);
    const [oldest] = this.#shapes.keys();
    if (this.#shapes.size > rememberedShapes && oldest !== undefined) this.#shapes.delete(oldest);
    return shape;
  }
}

function changesOf(list: RawHeaders, headers: RawHeaders): { short: Values; long: Values } {
  const short: Record<string, string> = {};
  const long: Record<string, string> = {};
  for (const [place, [, value]] of headers.entries()) {
    if (value === list[place]?.[1]) continue;
    (value.length < longLength ? short : long)[place] = value;
  }
  return { short, long };
}

const costOf = (list: RawHeaders, headers: RawHeaders): number => JSON.stringify(changesOf(list, headers).short).length;

const isEmpty = (values: Values): boolean => Object.keys(values).length === 0;

function partOf(headers: string): HeaderPartRow {
  return { hash: createHash('sha256').update(headers).digest(), headers };
}

export type HeadersOfExchange = Pick<
  ExchangeRow,
  | 'id'
  | 'request_headers'
  | 'request_list'
  | 'request_values'
  | 'response_headers'
  | 'response_list'
  | 'response_values'
>;

/** Those that name a part. */
export const headerPartColumns = ['request_list', 'request_values', 'response_list', 'response_values'] as const;

export const headerColumns = ['request_headers', 'response_headers', ...headerPartColumns].join(', ');

/** The headers that a row tells, as they were. Throws E_BODY_DAMAGED. */
export async function readHeaders(
  connection: Connection,
  row: HeadersOfExchange,
): Promise<{ request: RawHeaders; response: RawHeaders | null }> {
  const { request_headers: request, response_headers: response } = row;
  try {
    return {
      request: await putTogether(connection, request, row.request_list, row.request_values),
      response:
        response === null ? null : await putTogether(connection, response, row.response_list, row.response_values),
    };
  } catch (error) {
    throw new TapesError(
      'E_BODY_DAMAGED',
      `the headers of exchange ${row.id} cannot be put together: ${error instanceof Error ? error.message : String(error)}`,
      { hint: 'see what else is damaged: tapes verify', cause: error },
    );
  }
}

async function putTogether(
  connection: Connection,
  headers: string,
  listHash: Uint8Array | null,
  valuesHash: Uint8Array | null,
): Promise<RawHeaders> {
  const own: unknown = JSON.parse(headers);
  // A list is whole whatever else the row says: a recorder of before this schema may have written it again.
  if (isHeaders(own)) return own;
  const list = listHash === null ? null : await readPart(connection, listHash);
  const values = valuesHash === null ? {} : await readPart(connection, valuesHash);
  if (!isHeaders(list) || !isValues(values) || !isValues(own))
    throw new Error('what is kept of them does not fit together');
  return list.map(([name, value], place) => [name, own[place] ?? values[place] ?? value]);
}

async function readPart(connection: Connection, hash: Uint8Array): Promise<unknown> {
  const row = await connection.get<HeaderPartRow>('SELECT headers FROM header_parts WHERE hash = ?', [hash]);
  if (row === undefined) throw new Error(`their part ${Buffer.from(hash).toString('hex')} is missing`);
  return JSON.parse(row.headers);
}

/** Null: not the JSON of a list of headers. */
export function parseHeaders(text: string): RawHeaders | null {
  try {
    const json: unknown = JSON.parse(text);
    return isHeaders(json) ? json : null;
  } catch {
    return null;
  }
}

const isHeaders = (json: unknown): json is RawHeaders =>
  Array.isArray(json) &&
  json.every((pair) => Array.isArray(pair) && pair.length === 2 && pair.every((text) => typeof text === 'string'));

const isValues = (json: unknown): json is Values =>
  typeof json === 'object' &&
  json !== null &&
  !Array.isArray(json) &&
  Object.values(json).every((value) => typeof value === 'string');
