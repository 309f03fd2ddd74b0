// Sessions, threads, turns, calls and what of them can be searched for, derived anew beside those that are there: temporary tables with
// the same names, which statements without a schema find first. So the recorder's own statements write them, and what they hold can be compared and taken over at once.
import type { Connection, SqlValue } from './connection.ts';
import type { RowOf, TableName } from './rows.ts';
import { tables, upsertOf } from './rows.ts';

/** Parents first. */
const derivedTables = ['sessions', 'threads', 'turns', 'calls'] as const;

export type DerivedTable = (typeof derivedTables)[number] | 'search';

const ofCalls = {
  sessions: 'SELECT session_id FROM main.calls',
  threads: 'SELECT thread_id FROM main.calls',
  turns: 'SELECT thread_id, turn_id FROM main.calls WHERE turn_id IS NOT NULL',
} as const;

export class ShadowTables {
  readonly #connection: Connection;
  readonly #waiting: { readonly sql: string; readonly values: readonly SqlValue[] }[] = [];
  readonly #columns = new Map<TableName, readonly string[]>();

  private constructor(connection: Connection) {
    this.#connection = connection;
  }

  /** On a connection that nothing else uses. */
  static async create(connection: Connection): Promise<ShadowTables> {
    for (const table of derivedTables) {
      const key = tables[table].key.join(', ');
      await connection.exec(
        `CREATE TEMP TABLE ${table} AS SELECT * FROM main.${table} WHERE false;
         CREATE UNIQUE INDEX temp.${table}_key ON ${table} (${key})`,
      );
    }
    await connection.exec(
      `CREATE INDEX temp.shadow_calls_thread ON calls (thread_id, started_at);
       CREATE TEMP TABLE left_sessions (id TEXT PRIMARY KEY);
       CREATE TEMP TABLE search_entries (call_id, item_key, type, role, text, is_sent);
       CREATE INDEX temp.shadow_search_key ON search_entries (item_key);
       CREATE TEMP TRIGGER shadow_search_once BEFORE INSERT ON temp.search_entries
       WHEN EXISTS (
         SELECT 1 FROM temp.search_entries WHERE item_key = new.item_key AND (new.is_sent OR call_id = new.call_id)
       )
       BEGIN SELECT raise(IGNORE); END`,
    );
    return new ShadowTables(connection);
  }

  put<Table extends TableName>(table: Table, row: RowOf<Table>): void {
    this.#columns.set(table, Object.keys(row));
    this.#waiting.push(upsertOf(table, row));
  }

  run(sql: string, values: readonly SqlValue[]): void {
    this.#waiting.push({ sql, values });
  }

  /** Writes what was put. */
  async flush(): Promise<void> {
    for (const { sql, values } of this.#waiting.splice(0)) await this.#connection.run(sql, values);
  }

  /** This call cannot be derived: its session stays as it is. */
  async leaveSessionOf(callId: string): Promise<void> {
    await this.#connection.run('INSERT OR IGNORE INTO left_sessions SELECT session_id FROM main.calls WHERE id = ?', [
      callId,
    ]);
  }

  /** Inside a transaction. Gives how many rows of each table are other than they were. */
  async takeOver(): Promise<Record<DerivedTable, number>> {
    const changed = { sessions: 0, threads: 0, turns: 0, calls: 0, search: 0 };
    for (const table of derivedTables) changed[table] = await this.#takeOver(table);
    changed.search = await this.#takeOverSearch();
    for (const table of ['turns', 'threads', 'sessions'] as const) changed[table] += await this.#removeStale(table);
    return changed;
  }

  /** Where an entry is other than it was, all are written again: what is found is listed in the order in which they were written. */
  async #takeOverSearch(): Promise<number> {
    const left = '(SELECT id FROM main.calls WHERE session_id IN (SELECT id FROM left_sessions))';
    const same = 'old.item_key = anew.item_key AND old.call_id = anew.call_id';
    const { changed } = (await this.#connection.get<{ changed: number }>(
      `SELECT (
         SELECT count(*) FROM temp.search_entries AS anew WHERE call_id NOT IN ${left} AND NOT EXISTS (
           SELECT 1 FROM main.search_items AS old JOIN main.search_text ON search_text.rowid = old.id
           WHERE ${same} AND old.type = anew.type AND old.role = anew.role AND search_text.text = anew.text
         )
       ) + (
         SELECT count(*) FROM main.search_items AS old WHERE call_id NOT IN ${left} AND NOT EXISTS (
           SELECT 1 FROM temp.search_entries AS anew WHERE ${same}
         )
       ) AS changed`,
    ))!;
    if (changed === 0) return 0;
    await this.#connection.exec(
      `DELETE FROM main.search_items WHERE call_id NOT IN ${left};
       INSERT INTO main.search_entries (call_id, item_key, type, role, text, is_sent)
         SELECT call_id, item_key, type, role, text, is_sent FROM temp.search_entries
         WHERE call_id NOT IN ${left} ORDER BY rowid`,
    );
    return changed;
  }

  async #takeOver(table: (typeof derivedTables)[number]): Promise<number> {
    const columns = this.#columns.get(table);
    if (columns === undefined) return 0;
    const { key } = tables[table];
    const list = columns.join(', ');
    const session = table === 'sessions' ? 'id' : 'session_id';
    const source = `SELECT ${list} FROM temp.${table} WHERE ${session} NOT IN (SELECT id FROM left_sessions)`;
    const { changed } = (await this.#connection.get<{ changed: number }>(
      `SELECT count(*) AS changed FROM (${source} EXCEPT SELECT ${list} FROM main.${table})`,
    ))!;
    const others = columns.filter((column) => !key.includes(column));
    // Only rows that differ are written: an index over them has nothing to do for the others.
    await this.#connection.exec(
      `INSERT INTO main.${table} (${list}) ${source}
       ON CONFLICT (${key.join(', ')}) DO UPDATE SET ${others.map((column) => `${column} = excluded.${column}`).join(', ')}
       WHERE (${others.join(', ')}) IS NOT (${others.map((column) => `excluded.${column}`).join(', ')})`,
    );
    return changed;
  }

  /** Rows that no call belongs to any more. */
  async #removeStale(table: 'sessions' | 'threads' | 'turns'): Promise<number> {
    const key = tables[table].key.join(', ');
    const stale = `FROM main.${table} WHERE (${key}) NOT IN (SELECT ${key} FROM temp.${table}) AND (${key}) NOT IN (${ofCalls[table]})`;
    const { count } = (await this.#connection.get<{ count: number }>(`SELECT count(*) AS count ${stale}`))!;
    if (count > 0) await this.#connection.exec(`DELETE ${stale}`);
    return count;
  }
}
