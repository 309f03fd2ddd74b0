// Calls as the vocabulary has them, from their rows: sizes and hashes joined in, open ones read from their chunks, tool results
// filled in from the calls that sent them.
import type { ChainedCall } from '../../derive/index.ts';
import { fillToolOutputs, findBranches, toItem } from '../../derive/index.ts';
import type { Call, CallStatus, Item, RateLimits, Usage } from '../../domain/index.ts';
import type { Connection } from '../connection.ts';
import type { CallRow } from '../rows.ts';
import { statusNow } from './live-runs.ts';
import type { LiveRuns } from './live-runs.ts';

interface JoinedCall extends CallRow {
  readonly request_bytes: number | null;
  readonly request_wire_bytes: number | null;
  readonly request_sha256: string | null;
  readonly request_wire_sha256: string | null;
  readonly response_bytes: number | null;
  readonly response_sha256: string | null;
  readonly response_wire_sha256: string | null;
}

/** A call and where it belongs. */
export interface PlacedCall {
  readonly call: Call;
  readonly threadId: string;
  /** Null: a prewarm whose turn has not begun. */
  readonly turnId: string | null;
  readonly endedAt: string | null;
}

/** All calls of a session, oldest first. */
export async function readCalls(connection: Connection, sessionId: string, live: LiveRuns): Promise<PlacedCall[]> {
  const rows = await connection.all<JoinedCall>(
    `SELECT calls.*,
       request.decoded_bytes AS request_bytes, request.wire_bytes AS request_wire_bytes,
       request.decoded_sha256 AS request_sha256, request.wire_sha256 AS request_wire_sha256,
       response.decoded_bytes AS response_bytes,
       response.decoded_sha256 AS response_sha256, response.wire_sha256 AS response_wire_sha256
     FROM calls
     LEFT JOIN bodies AS request ON request.call_id = calls.id AND request.side = 'request'
     LEFT JOIN bodies AS response ON response.call_id = calls.id AND response.side = 'response'
     WHERE session_id = ? ORDER BY started_at, calls.rowid`,
    [sessionId],
  );
  // Backwards, so that a tool call finds the result that was sent next: a call_id may come again.
  const results = new Map<string, Item>();
  const calls: PlacedCall[] = [];
  for (const row of rows.toReversed()) {
    const now = await readNow(connection, row, live);
    const output = parseItems(now.output);
    const later = output.flatMap((item) => results.get(`${row.thread_id}\n${item.callId}`) ?? []);
    for (const item of parseItems(row.tool_outputs)) results.set(`${row.thread_id}\n${item.callId}`, item);
    calls.push({
      call: toCall(now, fillToolOutputs(output, later)),
      threadId: row.thread_id,
      turnId: row.turn_id,
      endedAt: row.ended_at,
    });
  }
  return markBranches(calls.reverse(), rows);
}

/** Each thread has a chain of its own. */
function markBranches(calls: readonly PlacedCall[], rows: readonly CallRow[]): PlacedCall[] {
  const incremental = new Set(rows.filter((row) => row.previous_response_id !== null).map(({ id }) => id));
  const threads = new Map<string, ChainedCall[]>();
  for (const { call, threadId } of calls) {
    const chained = { ...call, isIncremental: incremental.has(call.id) };
    const known = threads.get(threadId);
    if (known === undefined) threads.set(threadId, [chained]);
    else known.push(chained);
  }
  const branches = new Map([...threads.values()].flatMap((chain) => [...findBranches(chain)]));
  return calls.map(({ call, ...place }) => {
    const branch = branches.get(call.id);
    return { call: branch === undefined ? call : { ...call, branch }, ...place };
  });
}

async function readNow(connection: Connection, row: JoinedCall, live: LiveRuns): Promise<JoinedCall> {
  if (row.status !== 'streaming') return row;
  const status = statusNow(row, live);
  // With all decoders behind it: loaded only where a call is open.
  const { readOpenCall } = await import('../open-call.ts');
  const open = await readOpenCall(connection, row, status === 'streaming' ? 'open' : 'tapesDied');
  // The recorder may have ended the call between the two reads: then there are no chunks, and the next look shows the rest.
  return { ...row, ...open.row, response_bytes: row.response_bytes ?? open.storedBytes };
}

const parseItems = (json: string): Item[] =>
  (JSON.parse(json) as Readonly<Record<string, unknown>>[]).map((item) => toItem(item));

function toCall(row: JoinedCall, output: readonly Item[]): Call {
  return {
    id: row.id,
    turnId: row.turn_id ?? upcomingTurnId(row.thread_id),
    exchangeId: row.exchange_id,
    kind: row.kind,
    attempt: row.attempt,
    transport: row.transport,
    status: row.status as CallStatus,
    model: row.model,
    responseId: row.response_id,
    httpStatus: row.http_status,
    error: row.error_code === null ? null : { code: row.error_code, message: row.error_message ?? '' },
    startedAt: row.started_at,
    ...callTimes(row),
    requestBytes: row.request_bytes ?? 0,
    requestWireBytes: row.request_wire_bytes ?? 0,
    responseBytes: row.response_bytes ?? 0,
    requestSha256: row.request_sha256,
    requestWireSha256: row.request_wire_sha256,
    responseSha256: row.response_sha256,
    responseWireSha256: row.response_wire_sha256,
    inputItems: row.input_items,
    newItems: row.new_items,
    usage: toUsage(row),
    rateLimits: row.rate_limits === null ? null : (JSON.parse(row.rate_limits) as RateLimits),
    output,
  };
}

export function callTimes(row: CallRow): Pick<Call, 'ttftMs' | 'durationMs'> {
  const { request_ended_ms: requestEndedMs, first_token_ms: firstTokenMs, ended_ms: endedMs } = row;
  return {
    ttftMs: firstTokenMs === null ? null : roundMs(Math.max(0, firstTokenMs - (requestEndedMs ?? 0))),
    durationMs: endedMs === null ? null : roundMs(endedMs),
  };
}

export function toUsage(row: CallRow): Usage | null {
  if (row.input_tokens === null && row.output_tokens === null && row.total_tokens === null) return null;
  return {
    inputTokens: row.input_tokens ?? 0,
    cachedInputTokens: row.cached_input_tokens ?? 0,
    outputTokens: row.output_tokens ?? 0,
    reasoningTokens: row.reasoning_tokens ?? 0,
    totalTokens: row.total_tokens ?? 0,
  };
}

/** What stands for the turn of a prewarm until a turn follows. */
export const upcomingTurnId = (threadId: string): string => `${threadId}.next`;

const roundMs = (ms: number): number => Math.round(ms * 10) / 10;
