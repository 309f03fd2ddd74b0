// What is going on: which calls began lately or are still open, and what has come of them. Made to be asked many times a minute.
import { toItem } from '../../derive/index.ts';
import type { CallError, CallStatus, Item, Usage } from '../../domain/index.ts';
import type { Connection } from '../connection.ts';
import type { CallRow, SessionRow } from '../rows.ts';
import { shortenIds } from '../short-id.ts';
import { readLiveRuns, statusNow } from './live-runs.ts';
import { callTimes, toUsage } from './read-calls.ts';

export interface ActivityMark {
  readonly id: string;
  readonly startedAt: string;
  readonly status: CallStatus;
}

/** A call with its place and, once it has ended, its answer. */
export interface ActiveCall {
  readonly id: string;
  readonly shortId: string;
  readonly sessionId: string;
  readonly shortSessionId: string;
  readonly isBackground: boolean;
  readonly threadId: string;
  readonly agentName: string | null;
  /** A sub-agent's. */
  readonly isSubThread: boolean;
  readonly turn: { readonly id: string; readonly prompt: string | null; readonly startedAt: string } | null;
  readonly kind: string;
  readonly attempt: number;
  readonly status: CallStatus;
  readonly model: string | null;
  readonly httpStatus: number | null;
  readonly error: CallError | null;
  readonly startedAt: string;
  readonly endedAt: string | null;
  readonly ttftMs: number | null;
  readonly durationMs: number | null;
  readonly inputItems: number;
  readonly newItems: number;
  readonly usage: Usage | null;
  /** Tool results that this call is the first to send. */
  readonly toolOutputs: readonly Item[];
  readonly output: readonly Item[];
}

/** Grows with every commit of somebody else: while it stays, nothing else has to be read. */
export async function readChangeMark(connection: Connection): Promise<number> {
  return (await connection.get<{ data_version: number }>('PRAGMA data_version'))!.data_version;
}

/** Calls that began at `since` or later, those named by `ids`, and all that are streaming now. */
export async function listActivity(
  connection: Connection,
  { since, ids }: { readonly since: string; readonly ids: readonly string[] },
): Promise<ActivityMark[]> {
  const live = await readLiveRuns(connection);
  const rows = await connection.all<Pick<CallRow, 'id' | 'started_at' | 'status' | 'run_id'>>(
    `SELECT id, started_at, status, run_id FROM calls WHERE started_at >= ?1
     UNION SELECT id, started_at, status, run_id FROM calls WHERE id IN (SELECT value FROM json_each(?2))
     UNION SELECT id, started_at, status, run_id FROM calls
       WHERE run_id IN (SELECT value FROM json_each(?3)) AND status = 'streaming'
     ORDER BY started_at, id`,
    [since, JSON.stringify(ids), JSON.stringify([...live])],
  );
  return rows.map((row) => ({ id: row.id, startedAt: row.started_at, status: statusNow(row, live) }));
}

interface ActiveRow extends CallRow {
  readonly session_kind: SessionRow['kind'];
  readonly agent_name: string | null;
  readonly parent_thread_id: string | null;
  readonly prompt: string | null;
  readonly turn_started_at: string | null;
}

/** In the order in which they began. */
export async function readActiveCalls(connection: Connection, ids: readonly string[]): Promise<ActiveCall[]> {
  const live = await readLiveRuns(connection);
  const rows = await connection.all<ActiveRow>(
    `SELECT calls.*, sessions.kind AS session_kind, agent_name, parent_thread_id, prompt, turns.started_at AS turn_started_at
     FROM calls
     JOIN sessions ON sessions.id = calls.session_id
     JOIN threads ON threads.id = calls.thread_id
     LEFT JOIN turns ON turns.thread_id = calls.thread_id AND turns.id = calls.turn_id
     WHERE calls.id IN (SELECT value FROM json_each(?)) ORDER BY calls.started_at, calls.rowid`,
    [JSON.stringify(ids)],
  );
  const shortCalls = await shortenIds(connection, 'call', ids);
  const shortSessions = await shortenIds(connection, 'session', [...new Set(rows.map((row) => row.session_id))]);
  return rows.map((row) => ({
    id: row.id,
    shortId: shortCalls.get(row.id) ?? row.id,
    sessionId: row.session_id,
    shortSessionId: shortSessions.get(row.session_id) ?? row.session_id,
    isBackground: row.session_kind === 'title',
    threadId: row.thread_id,
    agentName: row.agent_name,
    isSubThread: row.parent_thread_id !== null,
    turn:
      row.turn_id === null
        ? null
        : { id: row.turn_id, prompt: row.prompt, startedAt: row.turn_started_at ?? row.started_at },
    kind: row.kind,
    attempt: row.attempt,
    status: statusNow(row, live),
    model: row.model,
    httpStatus: row.http_status,
    error: row.error_code === null ? null : { code: row.error_code, message: row.error_message ?? '' },
    startedAt: row.started_at,
    endedAt: row.ended_at,
    ...callTimes(row),
    inputItems: row.input_items,
    newItems: row.new_items,
    usage: toUsage(row),
    toolOutputs: readItems(row.tool_outputs),
    output: readItems(row.output),
  }));
}

const readItems = (json: string): Item[] =>
  (JSON.parse(json) as Readonly<Record<string, unknown>>[]).map((item) => toItem(item));
