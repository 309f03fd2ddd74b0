// Exchanges as they passed, for whoever tells them again: heads and times of each, and the calls in it. Bodies are read apart.
import type {
  ConnectionEvent,
  ConnectionPhases,
  Endpoint,
  RawHeaders,
  Stamp,
  UpstreamLeg,
} from '../../domain/index.ts';
import { stretchHeaders, stretchMarks } from '../../redact/index.ts';
import type { Connection } from '../connection.ts';
import type { BodySide } from '../body-reader.ts';
import { openBodyReader } from '../body-reader.ts';
import { unpackChunkTimes, type ChunkTimes } from '../chunk-times.ts';
import { readChunks } from '../open-call.ts';
import { readProviderHeads } from '../provider-heads.ts';
import type { BodyRow, CallRow, ConnectionRow, ExchangeRow, RunRow } from '../rows.ts';
import { readHeadMarks } from '../head-marks.ts';
import { readHeaders } from '../header-parts.ts';
import type { BodyFacts } from './read-body-facts.ts';
import { readBodyFacts } from './read-body-facts.ts';

export interface WireScope {
  readonly kind: 'run' | 'session' | 'call';
  readonly id: string;
}

/** With each mask as long as what it stands for, where that was kept. */
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
  /** The agent's end of its connection; null: not seen. */
  readonly client: Endpoint | null;
  /** The provider's side; null: not recorded, or nothing reached the provider. */
  readonly upstream: Omit<UpstreamLeg, 'requestAt' | 'responseAt' | 'phases'> | null;
  /** How the connection to the provider was made, if it was for this exchange; null: it was not, or not seen. */
  readonly upstreamPhases: { readonly beganAt: number; readonly durations: Omit<ConnectionPhases, 'began'> } | null;
  /** Null: as on the agent's side, or not seen. */
  readonly upstreamRequestMs: number | null;
  readonly upstreamResponseMs: number | null;
}

/** A connection that exchanges passed over. Times are ms since the epoch. */
export interface WireConnection {
  readonly openedAt: number;
  readonly endedAt: number | null;
  readonly opened: Unstamped<Extract<ConnectionEvent, { readonly type: 'connectionOpened' }>>;
  /** Null: its end was not seen. */
  readonly ended: Unstamped<Extract<ConnectionEvent, { readonly type: 'connectionEnded' }>> | null;
}

type Unstamped<Event> = Omit<Event, keyof Stamp>;

export interface WireCall {
  readonly id: string;
  readonly turnId: string | null;
  /** ms since the epoch; the other is ms after it, null where the call has not ended. */
  readonly startedAt: number;
  readonly endedMs: number | null;
  readonly request: BodyFacts | null;
  readonly response: BodyFacts | null;
  /** Of the answer: null where the times of its chunks were not kept. */
  readonly chunkTimes: ChunkTimes | null;
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

/** In the order in which they opened; those only of which that was seen. */
export async function* readWireConnections(
  connection: Connection,
  { kind, id }: WireScope,
): AsyncGenerator<WireConnection> {
  type Row = ConnectionRow & { readonly host: string; readonly port: number };
  let after: [at: string, run: string, number: number] = ['', '', 0];
  for (;;) {
    const rows: Row[] = await connection.all<Row>(
      `SELECT connections.*, host, port FROM connections
       JOIN (
         SELECT run_id AS run, agent_connection AS place, host, port FROM exchanges WHERE ${within[kind]}
         UNION
         SELECT run_id, provider_connection, host, port FROM exchanges WHERE ${within[kind]}
       ) ON run = connections.run_id AND place = number
       WHERE opened_at IS NOT NULL AND (opened_at, connections.run_id, number) > (?2, ?3, ?4)
       GROUP BY connections.run_id, number
       ORDER BY opened_at, connections.run_id, number LIMIT ${pageRows}`,
      [id, ...after],
    );
    yield* rows.map(connectionOf);
    const last = rows.at(-1);
    if (last === undefined || rows.length < pageRows) return;
    after = [last.opened_at ?? '', last.run_id, last.number];
  }
}

/** Was the provider's side of any of it recorded? */
export async function hasProviderSide(connection: Connection, { kind, id }: WireScope): Promise<boolean> {
  const sql = `SELECT 1 FROM exchanges WHERE ${within[kind]} AND provider_connection IS NOT NULL LIMIT 1`;
  return (await connection.get(sql, [id])) !== undefined;
}

/** Was it kept, for all of it, how long the secrets were that marks in heads stand for? */
export async function hasMarkLengths(connection: Connection, { kind, id }: WireScope): Promise<boolean> {
  const sql = `SELECT 1 FROM exchanges WHERE ${within[kind]} AND mark_lengths IS NULL LIMIT 1`;
  return (await connection.get(sql, [id])) === undefined;
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
  const response = status === null ? null : { status, reason: reason ?? '', headers: headers.response ?? [] };
  const agent = await readConnection(connection, row, row.agent_connection);
  const provider = await readConnection(connection, row, row.provider_connection);
  const heads = readProviderHeads({ request: headers.request, response }, row.provider_heads);
  const marks = readHeadMarks(row.mark_lengths);
  const providerResponse =
    heads.response === null
      ? null
      : { ...heads.response, headers: stretchHeaders(heads.response.headers, marks.providerResponse) };
  return {
    id: row.id,
    kind: row.kind,
    method: row.method,
    scheme: row.scheme,
    host: row.host,
    port: row.port,
    path: stretchMarks(row.path, marks.path),
    httpVersion: row.http_version,
    requestHeaders: stretchHeaders(headers.request, marks.request),
    response: response === null ? null : { ...response, headers: stretchHeaders(response.headers, marks.response) },
    startedAt: startOf(row),
    requestEndedMs: row.request_ended_ms,
    responseStartedMs: row.response_started_ms,
    endedMs: row.ended_ms,
    requestWireBytes: row.request_wire_bytes,
    responseWireBytes: row.response_wire_bytes,
    messages: row.messages_sent + row.messages_received,
    outcome: row.outcome,
    error: row.error_code === null ? null : { code: row.error_code, message: row.error_message ?? '' },
    calls: await Promise.all(calls.map((call) => callOf(connection, call, row))),
    client: agent === null ? null : { address: agent.client_address, port: agent.client_port },
    upstream:
      provider === null
        ? null
        : {
            ...endsOf(provider),
            requestHeaders: heads.request === null ? null : stretchHeaders(heads.request, marks.providerRequest),
            response: providerResponse,
          },
    upstreamPhases: provider?.made_for !== row.id ? null : phasesOf(provider),
    upstreamRequestMs: row.provider_request_ms,
    upstreamResponseMs: row.provider_response_ms,
  };
}

async function readConnection(
  connection: Connection,
  { run_id: runId }: ExchangeRow,
  number: number | null,
): Promise<ConnectionRow | null> {
  if (number === null) return null;
  const sql = 'SELECT * FROM connections WHERE run_id = ? AND number = ?';
  return (await connection.get<ConnectionRow>(sql, [runId, number])) ?? null;
}

function connectionOf(row: ConnectionRow & { readonly host: string; readonly port: number }): WireConnection {
  const { local: client, remote: server } = endsOf(row);
  const ends = { leg: row.leg, client, server } as const;
  const { ended_by: by } = row;
  return {
    openedAt: readMicroTime(row.opened_at ?? ''),
    endedAt: row.ended_at === null ? null : readMicroTime(row.ended_at),
    opened: { type: 'connectionOpened', ...ends, host: row.host, port: row.port },
    ended: by === null ? null : { type: 'connectionEnded', ...ends, by, isReset: row.is_reset === 1 },
  };
}

function endsOf(row: ConnectionRow): { readonly local: Endpoint; readonly remote: Endpoint | null } {
  const { server_address: address, server_port: port } = row;
  return {
    local: { address: row.client_address, port: row.client_port },
    remote: address === null || port === null ? null : { address, port },
  };
}

function phasesOf({
  began_at: began,
  dns_ms: dnsMs,
  connect_ms: connectMs,
  tls_ms: sslMs,
}: ConnectionRow): WireExchange['upstreamPhases'] {
  if (began === null || connectMs === null || sslMs === null) return null;
  return { beganAt: readMicroTime(began), durations: { dnsMs, connectMs, sslMs } };
}

/** Of a time to the microsecond: `Date` itself knows milliseconds. */
const readMicroTime = (text: string): number => Date.parse(text) + Number(text.slice(23, 26)) / 1000;

const startOf = ({ started_at, started_us }: ExchangeRow): number => Date.parse(started_at) + (started_us ?? 0) / 1000;

async function callOf(connection: Connection, call: CallRow, exchange: ExchangeRow): Promise<WireCall> {
  const packed = await connection.get<Pick<BodyRow, 'chunk_times'>>(
    "SELECT chunk_times FROM bodies WHERE call_id = ? AND side = 'response'",
    [call.id],
  );
  const chunkTimes = packed?.chunk_times == null ? null : unpackChunkTimes(packed.chunk_times);
  const isWhole = call.transport === 'https' || chunkTimes !== null;
  return {
    chunkTimes,
    id: call.id,
    turnId: call.turn_id,
    startedAt: isWhole ? startOf(exchange) + (chunkTimes?.baseMs ?? 0) : Date.parse(call.started_at),
    endedMs: call.ended_ms,
    request: await readBodyFacts(connection, call.id, 'request'),
    response: await readBodyFacts(connection, call.id, 'response'),
  };
}
