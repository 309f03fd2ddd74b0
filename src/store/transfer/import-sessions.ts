// An export, back into a database: all of it or nothing. The lines are put into a temporary database first, under the same schema and
// references, and every hash is checked there; then what is new is copied over in one transaction. What is there already stays as it is,
// so that importing twice is importing once.
import { createHash } from 'node:crypto';

import { openBodyReader } from '../body-reader.ts';
import type { BodySide } from '../body-reader.ts';
import { packBody, packSmall } from '../compression.ts';
import { Connection } from '../connection.ts';
import type { SqlValue } from '../connection.ts';
import { migrate } from '../migrate.ts';
import { openForWriting } from '../open-database.ts';
import type { HeaderPartRow, RowOf, TableName } from '../rows.ts';
import { tables, upsertOf } from '../rows.ts';
import { fillSearch } from '../search-index.ts';
import { shareAllHeaders } from '../share-all-headers.ts';
import { headerPartColumns } from '../header-parts.ts';
import type { ExportedTable } from './export-format.ts';
import { contentColumn, exportedTables } from './export-format.ts';
import type { Columns, ImportRecord, Row } from './import-lines.ts';
import { damaged, ImportLines } from './import-lines.ts';

export interface ImportReport {
  readonly sessions: readonly string[];
  readonly calls: number;
  /** Those that were not there before. */
  readonly newCalls: number;
}

/** Throws E_IMPORT_NEWER, E_IMPORT_DAMAGED, E_DB_…; then nothing has been changed. */
export async function importSessions(dbFile: string, lines: AsyncIterable<string>): Promise<ImportReport> {
  // A name that is empty: SQLite makes a file of its own and removes it.
  const staging = await Connection.open('', 'create');
  try {
    await migrate(staging, 'the temporary database');
    const sessions = await stage(staging, lines);
    const connection = await openForWriting(dbFile, 30_000);
    try {
      return { sessions, ...(await connection.transaction(() => copyOver(staging, connection))) };
    } finally {
      await connection.close();
    }
  } finally {
    await staging.close();
  }
}

async function stage(staging: Connection, lines: AsyncIterable<string>): Promise<readonly string[]> {
  const reader = new ImportLines(await readColumns(staging));
  const bodyLines = new Map<string, number>();
  await staging.run('BEGIN');
  for await (const line of lines) {
    const record = reader.push(line);
    if (record === null) continue;
    await stageRecord(staging, record);
    const { table, row, number } = record;
    if (table === 'bodies') bodyLines.set(`${String(row['call_id'])} ${String(row['side'])}`, number);
  }
  const sessions = reader.end();
  await shareAllHeaders(staging);
  await staging.run('COMMIT');
  await checkBodies(staging, bodyLines);
  return sessions;
}

/** Of each table that is exported. How headers are kept in parts is each database's own affair. */
export async function readColumns(connection: Connection): Promise<ReadonlyMap<string, Columns>> {
  const columns = new Map<string, Columns>();
  for (const table of exportedTables) {
    const rows = await connection.all<{ name: string; type: string }>('SELECT name, type FROM pragma_table_info(?)', [
      table,
    ]);
    const own = rows.filter(({ name }) => table !== 'exchanges' || !headerPartColumns.some((part) => part === name));
    columns.set(table, new Map(own.map(({ name, type }) => [name, type])));
  }
  return columns;
}

async function stageRecord(staging: Connection, { table, row, number }: ImportRecord): Promise<void> {
  await pack(table, row);
  const names = Object.keys(row);
  try {
    await staging.run(
      `INSERT INTO ${table} (${names.join(', ')}) VALUES (${names.map(() => '?').join(', ')})`,
      Object.values(row),
    );
  } catch (error) {
    throw damaged(number, error instanceof Error ? error.message : String(error), error);
  }
}

/** Packs content as the recorder does. */
async function pack(table: ExportedTable, row: Row): Promise<void> {
  const bytes = row[contentColumn];
  if (!(bytes instanceof Uint8Array)) return;
  if (table === 'items') Object.assign(row, { bytes: bytes.length }, await packBody(bytes));
  else if (row['storage'] === 'template') row[contentColumn] = await packSmall(bytes);
  else if (row['storage'] === 'whole') Object.assign(row, await packBody(bytes));
}

// Conversations share their items: without memory, each would be unpacked once a call.
const rememberBytes = 64 * 1024 * 1024;

async function checkBodies(staging: Connection, bodyLines: ReadonlyMap<string, number>): Promise<void> {
  const reader = openBodyReader(staging, rememberBytes);
  const rows = await staging.all<{ call_id: string; side: BodySide; stored_sha256: string }>(
    'SELECT call_id, side, stored_sha256 FROM bodies',
  );
  for (const { call_id: id, side, stored_sha256: expected } of rows) {
    const number = bodyLines.get(`${id} ${side}`) ?? 0;
    const hash = createHash('sha256');
    try {
      for await (const bytes of (await reader.read(id, side)) ?? []) hash.update(bytes);
    } catch (error) {
      throw damaged(number, error instanceof Error ? error.message : String(error), error);
    }
    if (hash.digest('hex') !== expected) throw damaged(number, 'its bytes are not those of its hash');
  }
}

const pageRows = 200;

/** Inside a transaction. */
async function copyOver(staging: Connection, target: Connection): Promise<Omit<ImportReport, 'sessions'>> {
  const ids = await staging.all<{ id: string }>('SELECT id FROM calls');
  const old = new Set<SqlValue>();
  for (const { id } of ids) {
    if ((await target.get('SELECT 1 FROM calls WHERE id = ?', [id])) !== undefined) old.add(id);
  }
  const last = await target.get<{ place: number }>('SELECT coalesce(max(rowid), 0) AS place FROM calls');
  for (const table of exportedTables) {
    for await (const row of readStaged(staging, table)) {
      // Of a call that is there already, everything is.
      if (old.has(table === 'calls' ? row['id']! : (row['call_id'] ?? null))) continue;
      if (table === 'exchanges') await copyHeaderParts(staging, target, row);
      const { sql, values } = insertOf(table, row);
      await target.run(sql, values);
    }
  }
  await fillSearch(target, last?.place);
  return { calls: ids.length, newCalls: ids.length - old.size };
}

/** Of an exchange that is there already nothing is needed. */
async function copyHeaderParts(staging: Connection, target: Connection, exchange: Row): Promise<void> {
  if ((await target.get('SELECT 1 FROM exchanges WHERE id = ?', [exchange['id']!])) !== undefined) return;
  const hashes = headerPartColumns.map((column) => exchange[column] ?? null);
  const parts = await staging.all<HeaderPartRow>('SELECT * FROM header_parts WHERE hash IN (?, ?, ?, ?)', hashes);
  for (const part of parts) {
    const { sql, values } = upsertOf('header_parts', part);
    await target.run(sql, values);
  }
}

function insertOf(table: ExportedTable, row: Row): { sql: string; values: SqlValue[] } {
  // Sessions, threads and turns may have gone on here or there: both are kept. Everything else is the same or newer here.
  if (table !== 'response_chunks' && tables[table].merge !== undefined && table !== 'calls') {
    return upsertOf(table, row as unknown as RowOf<TableName>);
  }
  const names = Object.keys(row);
  return {
    sql: `INSERT INTO ${table} (${names.join(', ')}) VALUES (${names.map(() => '?').join(', ')}) ON CONFLICT DO NOTHING`,
    values: Object.values(row),
  };
}

async function* readStaged(staging: Connection, table: ExportedTable): AsyncGenerator<Row> {
  for (let from = 0; ; from += pageRows) {
    const rows = await staging.all<Row>(`SELECT * FROM ${table} LIMIT ${pageRows} OFFSET ${from}`);
    yield* rows;
    if (rows.length < pageRows) return;
  }
}
