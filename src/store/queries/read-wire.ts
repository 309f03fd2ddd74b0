// Exchanges as they passed, for whoever tells them again: heads and times of each, and the calls in it. Bodies are read apart.
import type { RawHeaders } from '../../domain/index.ts';
import type { Connection } from '../connection.ts';
import type { BodySide } from '../body-reader.ts';
import { openBodyReader } from '../body-reader.ts';
import { readChunks } from '../open-call.ts';
import type { CallRow, ExchangeRow, RunRow } from '../rows.ts';
import { readHeaders } from '../shared-headers.ts';
import type { BodyFacts } from './read-body-facts.ts';
import { readBodyFacts } from './read-body-facts.ts';

export interface WireScope {
  readonly kind: 'run' | 'session' | 'call';
  readonly id: string;
}

export interface WireExchange {
  readonly id: string;
  readonly kind: 'http' | 'upgrade' | 'websocket';
  readonly method: string;
  readonly scheme: string;
  readonly host: string;
  readonly port: number;
  readonly path: string;
  readonly httpVersion: string;
  readonly requestHeaders: RawHeaders;
  readonly response: { readonly status: number; readonly reason: string; readonly headers: RawHeaders } | null;
  /** ms since the epoch; the others are ms after it. */
  readonly startedAt: number;
  readonly requestEndedMs: number | null;
  readonly responseStartedMs: number | null;
  readonly endedMs: number | null;
  readonly requestWireBytes: number;
  readonly responseWireBytes: number;
  /** WebSocket messages. */
  readonly messages: number;
  readonly outcome: string;
  readonly error: { readonly code: string; readonly message: string } | null;
  readonly calls: readonly WireCall[];
}

export interface WireCall {
  readonly id: string;
  readonly turnId: string | null;
  /** ms since the epoch; the other is ms after it, null where the call has not ended. */
  readonly startedAt: number;
  readonly endedMs: number | null;
  readonly request: BodyFacts | null;
  readonly response: BodyFacts | null;
}

/** The run that a dump says it comes from. */
export interface WireOrigin {
  readonly runId: string;
  readonly version: string;
  readonly hostname: string;
  readonly argv: readonly string[];
}

/** A piece of a decoded body; `atMs`, after its call's start, is null where the times of its chunks were not kept. */
export interface WirePiece {
  readonly atMs: number | null;
  readonly data: Uint8Array;
}

const pageRows = 100;

const within: Readonly<Record<WireScope['kind'], string>> = {
  run: 'run_id = ?1',
  session: 'id IN (SELECT exchange_id FROM calls WHERE session_id = ?1)',
  call: 'id = (SELECT exchange_id FROM calls WHERE id = ?1)',
};

/** In the order in which they began. */
export async function* readWire(connection: Connection, { kind, id }: WireScope): AsyncGenerator<WireExchange> {
  let [afterTime, afterRow] = ['', 0];
  for (;;) {
    const rows = await connection.all<ExchangeRow & { place: number }>(
      `SELECT rowid AS place, * FROM exchanges
       WHERE ${within[kind]} AND (started_at > ?2 OR (started_at = ?2 AND rowid > ?3))
       ORDER BY started_at, rowid LIMIT ${pageRows}`,
      [id, afterTime, afterRow],
    );
    for (const row of rows) yield await exchangeOf(connection, row, kind === 'call' ? id : null);
    const last = rows.at(-1);
    if (last === undefined || rows.length < pageRows) return;
    [afterTime, afterRow] = [last.started_at, last.place];
  }
}

export async function readWireOrigin(connection: Connection, { kind, id }: WireScope): Promise<WireOrigin | null> {
  const where = { run: 'id = ?', session: 'id = (SELECT run_id FROM calls WHERE session_id = ? ORDER BY started_at LIMIT 1)', call: 'id = (SELECT run_id FROM calls WHERE id = ?)' }[kind]; // prettier-ignore
  const row = await connection.get<RunRow>(`SELECT * FROM runs WHERE ${where}`, [id]);
  if (row === undefined) return null;
  return { runId: row.id, version: row.version, hostname: row.hostname, argv: JSON.parse(row.argv) as string[] };
}

/** Null where none was recorded. Throws E_BODY_DAMAGED. */
export async function readWireBody(
  connection: Connection,
  callId: string,
  side: BodySide,
): Promise<AsyncIterable<WirePiece> | null> {
  const body = await openBodyReader(connection).read(callId, side);
  if (body === null) return null;
  const isInChunks = side === 'response' && (await hasChunks(connection, callId));
  return isInChunks ? chunksOf(connection, callId) : withoutTimes(body);
}

async function hasChunks(connection: Connection, callId: string): Promise<boolean> {
  const merged = await connection.get(
    "SELECT 1 FROM bodies WHERE call_id = ? AND side = 'response' AND storage <> 'chunks'",
    [callId],
  );
  return merged === undefined;
}

async function* chunksOf(connection: Connection, callId: string): AsyncGenerator<WirePiece> {
  for await (const { at_ms: atMs, data } of readChunks(connection, callId)) yield { atMs, data };
}

async function* withoutTimes(body: AsyncIterable<Uint8Array>): AsyncGenerator<WirePiece> {
  for await (const data of body) yield { atMs: null, data };
}

async function exchangeOf(connection: Connection, row: ExchangeRow, onlyCall: string | null): Promise<WireExchange> {
  const calls = await connection.all<CallRow>(
    'SELECT * FROM calls WHERE exchange_id = ?1 AND (?2 IS NULL OR id = ?2) ORDER BY started_at, rowid',
    [row.id, onlyCall],
  );
  const { status, reason } = row;
  const headers = await readHeaders(connection, row);
  return {
    id: row.id,
    kind: row.kind,
    method: row.method,
    scheme: row.scheme,
    host: row.host,
    port: row.port,
    path: row.path,
    httpVersion: row.http_version,
    requestHeaders: headers.request,
    response: status === null ? null : { status, reason: reason ?? '', headers: headers.response ?? [] },
    startedAt: Date.parse(row.started_at),
    requestEndedMs: row.request_ended_ms,
    responseStartedMs: row.response_started_ms,
    endedMs: row.ended_ms,
    requestWireBytes: row.request_wire_bytes,
    responseWireBytes: row.response_wire_bytes,
    messages: row.messages_sent + row.messages_received,
    outcome: row.outcome,
    error: row.error_code === null ? null : { code: row.error_code, message: row.error_message ?? '' },
    calls: await Promise.all(calls.map((call) => callOf(connection, call))),
  };
}

async function callOf(connection: Connection, call: CallRow): Promise<WireCall> {
  return {
    id: call.id,
    turnId: call.turn_id,
    startedAt: Date.parse(call.started_at),
    endedMs: call.ended_ms,
    request: await readBodyFacts(connection, call.id, 'request'),
    response: await readBodyFacts(connection, call.id, 'response'),
  };
}
