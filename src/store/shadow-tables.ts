// Sessions, threads, turns and calls derived anew, beside those that are there: temporary tables with the same names, which statements
// without a schema find first. So the recorder's own statements write them, and what they hold can be compared and taken over at once.
import type { Connection, SqlValue } from './connection.ts';
import type { RowOf, TableName } from './rows.ts';
import { tables, upsertOf } from './rows.ts';

/** Parents first. */
const derivedTables = ['sessions', 'threads', 'turns', 'calls'] as const;

export type DerivedTable = (typeof derivedTables)[number];

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
       CREATE TEMP TABLE left_sessions (id TEXT PRIMARY KEY)`,
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
    const changed = { sessions: 0, threads: 0, turns: 0, calls: 0 };
    for (const table of derivedTables) changed[table] = await this.#takeOver(table);
    for (const table of ['turns', 'threads', 'sessions'] as const) changed[table] += await this.#removeStale(table);
    return changed;
  }

  async #takeOver(table: DerivedTable): Promise<number> {
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
