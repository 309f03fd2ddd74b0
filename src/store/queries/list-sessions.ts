// `tapes sessions`: the agents' conversations, the most recently active first.
import { sumCosts } from '../../derive/index.ts';
import type { PriceList } from '../../derive/index.ts';
import type { CallStatus, Session } from '../../domain/index.ts';
import type { Connection } from '../connection.ts';
import type { SessionRow } from '../rows.ts';
import { shortenId } from '../short-id.ts';
import type { ListFilter } from './list-runs.ts';
import { readLiveRuns, statusNow } from './live-runs.ts';
import type { LiveRuns } from './live-runs.ts';
import { readSpending, toCostFields } from './read-spending.ts';

export interface SessionFilter extends ListFilter {
  /** Also the agent's own background sessions (titles). */
  readonly all: boolean;
}

/** A session with what a list shows besides. */
export interface ListedSession extends Session {
  readonly shortId: string;
  readonly kind: SessionRow['kind'];
  readonly firstPrompt: string | null;
}

export async function listSessions(
  connection: Connection,
  filter: SessionFilter,
  prices: PriceList,
): Promise<ListedSession[]> {
  const rows = await connection.all<SessionRow>(
    `SELECT * FROM sessions
     WHERE (?1 OR kind = 'user') AND (?2 IS NULL OR agent = ?2) AND (?3 IS NULL OR last_at >= ?3)
     ORDER BY last_at DESC, rowid DESC LIMIT ?4`,
    [filter.all ? 1 : 0, filter.agent ?? null, filter.since ?? null, filter.limit],
  );
  const live = await readLiveRuns(connection);
  const sessions: ListedSession[] = [];
  for (const row of rows) sessions.push(await describeSession(connection, row, live, prices));
  return sessions;
}

interface Totals {
  readonly calls: number;
  readonly threads: number;
  readonly turns: number;
  readonly input: number;
  readonly cached: number;
  readonly output: number;
  readonly reasoning: number;
  readonly total: number;
  readonly prompt: string | null;
}

export async function describeSession(
  connection: Connection,
  row: SessionRow,
  live: LiveRuns,
  prices: PriceList,
): Promise<ListedSession> {
  const totals = (await connection.get<Totals>(
    `SELECT count(*) AS calls,
       (SELECT count(*) FROM threads WHERE session_id = ?1) AS threads,
       (SELECT count(*) FROM turns WHERE session_id = ?1) AS turns,
       coalesce(sum(input_tokens), 0) AS input, coalesce(sum(cached_input_tokens), 0) AS cached,
       coalesce(sum(output_tokens), 0) AS output, coalesce(sum(reasoning_tokens), 0) AS reasoning,
       coalesce(sum(total_tokens), 0) AS total,
       (SELECT prompt FROM turns JOIN threads ON threads.id = turns.thread_id
        WHERE turns.session_id = ?1 AND prompt IS NOT NULL
        -- A review has no thread but the one below the session's own.
        ORDER BY parent_thread_id IS NOT NULL, turns.started_at, turns.rowid LIMIT 1) AS prompt
     FROM calls WHERE session_id = ?1`,
    [row.id],
  ))!;
  const models = await connection.all<{ model: string }>(
    'SELECT model FROM calls WHERE session_id = ? AND model IS NOT NULL GROUP BY model ORDER BY min(started_at)',
    [row.id],
  );
  const status = await readStatus(connection, row.id, live);
  return {
    id: row.id,
    shortId: await shortenId(connection, 'session', row.id),
    kind: row.kind,
    agent: row.agent,
    agentVersion: row.agent_version,
    cwd: row.cwd,
    title: row.title,
    firstPrompt: totals.prompt,
    status,
    startedAt: row.started_at,
    endedAt: status === 'streaming' ? null : row.last_at,
    threads: totals.threads,
    turns: totals.turns,
    calls: totals.calls,
    models: models.map(({ model }) => model),
    usage: {
      inputTokens: totals.input,
      cachedInputTokens: totals.cached,
      outputTokens: totals.output,
      reasoningTokens: totals.reasoning,
      totalTokens: totals.total,
    },
    ...toCostFields(sumCosts(prices, await readSpending(connection, row.id, prices.thresholds))),
  };
}

/** Streaming where a call is; else how the newest call ended, a prewarm only where there is nothing else. */
async function readStatus(connection: Connection, sessionId: string, live: LiveRuns): Promise<CallStatus> {
  const open = await connection.all<{ status: string; run_id: string }>(
    "SELECT status, run_id FROM calls WHERE session_id = ? AND status = 'streaming'",
    [sessionId],
  );
  if (open.some((call) => statusNow(call, live) === 'streaming')) return 'streaming';
  const newest = await connection.get<{ status: string; run_id: string }>(
    "SELECT status, run_id FROM calls WHERE session_id = ? ORDER BY kind = 'prewarm', started_at DESC, rowid DESC LIMIT 1",
    [sessionId],
  );
  return newest === undefined ? 'interrupted' : statusNow(newest, live);
}
