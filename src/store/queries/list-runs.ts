// `tapes runs`: the invocations of tapes, newest first.
import type { Run } from '../../domain/index.ts';
import type { Connection } from '../connection.ts';
import type { RunRow } from '../rows.ts';
import { isProcessAlive } from '../../processes/index.ts';

export interface ListFilter {
  readonly limit: number;
  readonly agent?: string | undefined;
  /** ISO 8601; what was active at this time or later. */
  readonly since?: string | undefined;
}

export interface RunFilter extends ListFilter {
  /** Also runs whose command was never started, and what a standing proxy has recorded that belongs to no session. */
  readonly all: boolean;
}

export async function listRuns(connection: Connection, filter: RunFilter): Promise<Run[]> {
  const rows = await connection.all<RunRow & { calls: number; exchanges: number; session_cwd: string | null }>(
    `SELECT runs.*,
       -- Of a session whose process could not be told: what its requests say.
       CASE WHEN runs.cwd = '' THEN (
         SELECT sessions.cwd FROM calls JOIN sessions ON sessions.id = session_id
         WHERE run_id = runs.id AND sessions.cwd IS NOT NULL LIMIT 1
       ) END AS session_cwd,
       (SELECT count(*) FROM calls WHERE run_id = runs.id) AS calls,
       (SELECT count(*) FROM exchanges WHERE run_id = runs.id) AS exchanges
     FROM runs
     WHERE (?1 IS NULL OR agent = ?1) AND (?2 IS NULL OR coalesce(ended_at, started_at) >= ?2)
       AND (?3 OR kind = 'session'
         OR (kind = 'intercept' AND (ended_at IS NULL OR exit_code IS NOT NULL OR signal IS NOT NULL)))
     ORDER BY started_at DESC, rowid DESC LIMIT ?4`,
    [filter.agent ?? null, filter.since ?? null, filter.all ? 1 : 0, filter.limit],
  );
  return rows.map((row) => ({
    id: row.id,
    agent: row.agent,
    argv: JSON.parse(row.argv) as string[],
    cwd: row.cwd || row.session_cwd,
    kind: row.kind,
    proxyRunId: row.proxy_run_id,
    label: row.label,
    startedAt: row.started_at,
    endedAt: row.ended_at,
    exitCode: row.exit_code,
    signal: row.signal,
    calls: row.calls,
    exchanges: row.exchanges,
    dropped: row.dropped,
    status: statusOf(row),
  }));
}

function statusOf(row: RunRow): Run['status'] {
  if (row.ended_at !== null) return 'ended';
  return row.interrupted === 1 || !isProcessAlive(row) ? 'interrupted' : 'running';
}
