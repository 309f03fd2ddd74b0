// What pruning would take away: the calls of whole sessions, and whatever is then needed by no call that stays. Worked out in temporary
// tables, which lie beside the database, so that a plan changes nothing and its size is bounded by the disk.
import type { Connection } from '../connection.ts';
import { readLiveRuns } from '../queries/live-runs.ts';
import { headerPartColumns } from '../header-parts.ts';

export interface PrunePlan {
  readonly sessions: number;
  readonly calls: number;
  readonly exchanges: number;
  readonly runs: number;
  readonly items: number;
  /** Of everything above, as it is kept: compressed. */
  readonly contentBytes: number;
}

/** Most recently active last; those that a run is recording now are never among them. */
export async function listPrunable(connection: Connection, before: string | null): Promise<string[]> {
  const rows = await connection.all<{ id: string }>(
    'SELECT id FROM sessions WHERE ?1 IS NULL OR last_at < ?1 ORDER BY last_at, id',
    [before],
  );
  const live = new Set(await listLiveSessions(connection));
  return rows.map(({ id }) => id).filter((id) => !live.has(id));
}

export async function listLiveSessions(connection: Connection): Promise<string[]> {
  const live = await readLiveRuns(connection);
  const rows = await connection.all<{ id: string }>(
    'SELECT DISTINCT session_id AS id FROM calls WHERE run_id IN (SELECT value FROM json_each(?))',
    [JSON.stringify([...live])],
  );
  return rows.map(({ id }) => id);
}

export async function openPlans(connection: Connection): Promise<void> {
  await connection.exec(`
    CREATE TEMP TABLE doomed_sessions (id TEXT PRIMARY KEY) WITHOUT ROWID;
    CREATE TEMP TABLE doomed_calls (id TEXT PRIMARY KEY) WITHOUT ROWID;
    CREATE TEMP TABLE doomed_exchanges (id TEXT PRIMARY KEY) WITHOUT ROWID;
    CREATE TEMP TABLE doomed_runs (id TEXT PRIMARY KEY) WITHOUT ROWID;
    CREATE TEMP TABLE doomed_nodes (hash BLOB PRIMARY KEY) WITHOUT ROWID;
    CREATE TEMP TABLE doomed_items (hash BLOB PRIMARY KEY) WITHOUT ROWID;
    CREATE TEMP TABLE doomed_header_parts (hash BLOB PRIMARY KEY) WITHOUT ROWID;
    CREATE TEMP TABLE kept_calls (id TEXT PRIMARY KEY) WITHOUT ROWID;
    CREATE TEMP TABLE kept_nodes (hash BLOB PRIMARY KEY) WITHOUT ROWID;
    CREATE TEMP TABLE kept_items (hash BLOB PRIMARY KEY) WITHOUT ROWID;
    CREATE TEMP TABLE unseen_calls (id TEXT PRIMARY KEY) WITHOUT ROWID;`);
}

/** `before`: runs without a call go too, if they ended before that. */
export function planPrune(
  connection: Connection,
  sessionIds: readonly string[],
  before: string | null,
): Promise<PrunePlan> {
  return atOneMoment(connection, async () => {
    for (const table of ['sessions', 'calls', 'exchanges', 'runs', 'nodes', 'items', 'header_parts']) {
      await connection.exec(`DELETE FROM doomed_${table}`);
    }
    for (const table of ['calls', 'nodes', 'items']) await connection.exec(`DELETE FROM kept_${table}`);
    const live = JSON.stringify([...(await readLiveRuns(connection))]);
    await connection.run('INSERT INTO doomed_sessions SELECT value FROM json_each(?)', [JSON.stringify(sessionIds)]);
    await connection.run(
      `INSERT INTO doomed_calls SELECT id FROM calls
       WHERE session_id IN (SELECT id FROM doomed_sessions) AND run_id NOT IN (SELECT value FROM json_each(?))`,
      [live],
    );
    await keepUnseenCalls(connection);
    await connection.exec(`
      INSERT INTO doomed_exchanges SELECT DISTINCT exchange_id FROM calls WHERE id IN (SELECT id FROM doomed_calls)
        AND NOT EXISTS (SELECT 1 FROM calls AS kept
          WHERE kept.exchange_id = calls.exchange_id AND kept.id NOT IN (SELECT id FROM doomed_calls));
      INSERT INTO doomed_nodes SELECT hash FROM nodes WHERE hash NOT IN (SELECT hash FROM kept_nodes);
      INSERT INTO doomed_items SELECT hash FROM items WHERE hash NOT IN (SELECT hash FROM kept_items);`);
    await connection.run(
      `INSERT INTO doomed_runs SELECT id FROM runs
       WHERE id NOT IN (SELECT value FROM json_each(?1))
         AND NOT EXISTS (SELECT 1 FROM calls WHERE run_id = runs.id AND calls.id NOT IN (SELECT id FROM doomed_calls))
         AND (EXISTS (SELECT 1 FROM calls WHERE run_id = runs.id) OR coalesce(ended_at, started_at) < ?2)`,
      [live, before],
    );
    await connection.exec(
      'INSERT OR IGNORE INTO doomed_exchanges SELECT id FROM exchanges WHERE run_id IN (SELECT id FROM doomed_runs)',
    );
    await connection.exec(`
      INSERT INTO doomed_header_parts SELECT hash FROM header_parts
        WHERE hash NOT IN (${partsOfExchanges(() => 'id NOT IN (SELECT id FROM doomed_exchanges)')})`);
    return countPlan(connection);
  });
}

/** The parts of headers that exchanges name. `where` is told the column. */
export function partsOfExchanges(where: (column: string) => string): string {
  return headerPartColumns
    .map((column) => `SELECT ${column} FROM exchanges WHERE ${column} IS NOT NULL AND ${where(column)}`)
    .join(' UNION ALL ');
}

/** As `snapshot`, but what was put into temporary tables stays. */
async function atOneMoment<T>(connection: Connection, work: () => Promise<T>): Promise<T> {
  await connection.run('BEGIN');
  try {
    const result = await work();
    await connection.run('COMMIT');
    return result;
  } catch (error) {
    await connection.run('ROLLBACK').catch(() => {});
    throw error;
  }
}

/** Adds what calls need that were not there when this was last asked. Where a recorder is at work, inside the transaction that removes. */
export async function keepUnseenCalls(connection: Connection): Promise<void> {
  await connection.exec(`
    DELETE FROM unseen_calls;
    INSERT INTO unseen_calls SELECT id FROM calls
      WHERE id NOT IN (SELECT id FROM kept_calls) AND id NOT IN (SELECT id FROM doomed_calls);
    INSERT OR IGNORE INTO kept_nodes
      WITH RECURSIVE chain (hash) AS (
        SELECT node FROM unseen_calls JOIN bodies ON bodies.call_id = unseen_calls.id
          WHERE side = 'request' AND storage = 'template' AND node IS NOT NULL
        UNION
        SELECT nodes.parent FROM chain JOIN nodes ON nodes.hash = chain.hash WHERE nodes.parent IS NOT NULL
      ) SELECT hash FROM chain;
    INSERT OR IGNORE INTO kept_items
      SELECT item FROM request_parts WHERE call_id IN (SELECT id FROM unseen_calls);
    INSERT OR IGNORE INTO kept_items
      SELECT item FROM nodes WHERE EXISTS (SELECT 1 FROM unseen_calls) AND hash IN (SELECT hash FROM kept_nodes);
    INSERT INTO kept_calls SELECT id FROM unseen_calls;`);
}

async function countPlan(connection: Connection): Promise<PrunePlan> {
  return (await connection.get<PrunePlan>(`
    SELECT (SELECT count(*) FROM doomed_sessions) AS sessions, (SELECT count(*) FROM doomed_calls) AS calls,
      (SELECT count(*) FROM doomed_exchanges) AS exchanges, (SELECT count(*) FROM doomed_runs) AS runs,
      (SELECT count(*) FROM doomed_items) AS items,
      (SELECT coalesce(sum(length(data)), 0) FROM bodies WHERE call_id IN (SELECT id FROM doomed_calls))
      + (SELECT coalesce(sum(length(data)), 0) FROM response_chunks WHERE call_id IN (SELECT id FROM doomed_calls))
      + (SELECT coalesce(sum(length(data)), 0) FROM items WHERE hash IN (SELECT hash FROM doomed_items))
      + (SELECT coalesce(sum(octet_length(output) + octet_length(tool_outputs)), 0) FROM calls
         WHERE id IN (SELECT id FROM doomed_calls))
      + (SELECT coalesce(sum(octet_length(request_headers) + coalesce(octet_length(response_headers), 0)), 0) FROM exchanges
         WHERE id IN (SELECT id FROM doomed_exchanges))
      + (SELECT coalesce(sum(octet_length(headers)), 0) FROM header_parts
         WHERE hash IN (SELECT hash FROM doomed_header_parts)) AS contentBytes`))!;
}
