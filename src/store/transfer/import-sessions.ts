// An export, back into a database: all of it or nothing. The lines are put into a temporary database first, under the same schema and
// references, and every hash is checked there; then what is new is copied over in one transaction. What is there already stays as it is,
// so that importing twice is importing once.
import { createHash } from 'node:crypto';

import { TapesError } from '../../errors.ts';
import { openBodyReader } from '../body-reader.ts';
import type { BodySide } from '../body-reader.ts';
import { packBody, packSmall } from '../compression.ts';
import { unpackChunkTimes } from '../chunk-times.ts';
import { Connection } from '../connection.ts';
import type { SqlValue } from '../connection.ts';
import { migrate } from '../migrate.ts';
import { openForWriting } from '../open-database.ts';
import { nodeHash } from '../request-items.ts';
import type { HeaderPartRow, RowOf, TableName } from '../rows.ts';
import { tables, upsertOf } from '../rows.ts';
import { fillSearch } from '../search-index.ts';
import { shareAllHeaders } from '../share-all-headers.ts';
import { headerPartColumns, parseHeaders } from '../shared-headers.ts';
import type { ExportedTable } from './export-format.ts';
import {
  contentColumn,
  exportedTables,
  exportFormat,
  exportVersion,
  readContent,
  readHash,
  timesColumn,
} from './export-format.ts';

export interface ImportReport {
  readonly sessions: readonly string[];
  readonly calls: number;
  /** Those that were not there before. */
  readonly newCalls: number;
}

type Row = Record<string, SqlValue>;
type Columns = ReadonlyMap<string, string>;

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
  const columns = new Map<string, Columns>();
  for (const table of exportedTables) columns.set(table, await readColumns(staging, table));
  // How headers are kept in parts is each database's own affair.
  columns.set('exchanges', withoutParts(columns.get('exchanges')!));
  const bodyLines = new Map<string, number>();
  let sessions: readonly string[] | null = null;
  let records: number | null = null;
  let number = 0;
  await staging.run('BEGIN');
  for await (const line of lines) {
    number += 1;
    const json = parseLine(line, number);
    if (sessions === null) {
      sessions = readHead(json, number);
      continue;
    }
    if (records !== null) throw damaged(number, 'there is something behind the last record');
    if (json['type'] === 'end') {
      records = number - 2;
      if (json['records'] !== records)
        throw damaged(number, `${records} records came before it, not ${String(json['records'])}`);
      continue;
    }
    await stageRecord(staging, columns, json, number);
    if (json['type'] === 'bodies') bodyLines.set(`${String(json['call_id'])} ${String(json['side'])}`, number);
  }
  if (sessions === null) throw damaged(1, 'the file is empty');
  if (records === null) throw damaged(number + 1, 'the file ends here, and its last line is missing');
  await shareAllHeaders(staging);
  await staging.run('COMMIT');
  await checkBodies(staging, bodyLines);
  return sessions;
}

function parseLine(line: string, number: number): Record<string, unknown> {
  try {
    const json: unknown = JSON.parse(line);
    if (typeof json === 'object' && json !== null && !Array.isArray(json)) return json as Record<string, unknown>;
  } catch {
    // Said below.
  }
  throw damaged(number, 'it is not a JSON object');
}

function readHead(json: Record<string, unknown>, number: number): readonly string[] {
  const { type, version, sessions } = json;
  if (type !== exportFormat || typeof version !== 'number') throw damaged(number, 'this is not an export of tapes');
  if (version > exportVersion) {
    throw new TapesError(
      'E_IMPORT_NEWER',
      `the file was written by a newer tapes (export format ${version}, this one knows ${exportVersion})`,
      { hint: 'update with: npm install -g tapes-intercept' },
    );
  }
  if (Array.isArray(sessions) && sessions.every((id) => typeof id === 'string')) return sessions;
  throw damaged(number, 'it does not name its sessions');
}

async function readColumns(connection: Connection, table: string): Promise<Columns> {
  const rows = await connection.all<{ name: string; type: string }>('SELECT name, type FROM pragma_table_info(?)', [
    table,
  ]);
  return new Map(rows.map(({ name, type }) => [name, type]));
}

async function stageRecord(
  staging: Connection,
  known: ReadonlyMap<string, Columns>,
  json: Record<string, unknown>,
  number: number,
): Promise<void> {
  const { type, ...values } = json;
  const columns = known.get(String(type));
  if (columns === undefined) throw damaged(number, `its type is not known: ${String(type)}`);
  const table = type as ExportedTable;
  const row: Row = {};
  for (const [column, value] of Object.entries(values)) row[column] = readValue(columns, column, value, number);
  await pack(table, row, number);
  if (table === 'nodes') checkNode(row, number);
  if (table === 'exchanges') checkHeaders(row, number);
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

const withoutParts = (columns: Columns): Columns =>
  new Map([...columns].filter(([column]) => !headerPartColumns.some((part) => part === column)));

function readValue(columns: Columns, column: string, value: unknown, number: number): SqlValue {
  const type = columns.get(column);
  if (type === undefined) throw damaged(number, `it has a field that is not known: ${column}`);
  if (value === null || (type !== 'BLOB' && (typeof value === 'string' || typeof value === 'number'))) return value;
  const isContent = column === contentColumn || column === timesColumn;
  const bytes = type !== 'BLOB' ? null : isContent ? readContent(value) : readHash(value);
  const isGood = bytes !== null && (column !== timesColumn || unpackChunkTimes(bytes) !== null);
  if (!isGood) throw damaged(number, `its ${column} is not what it should be`);
  return bytes;
}

/** Packs content as the recorder does. */
async function pack(table: ExportedTable, row: Row, number: number): Promise<void> {
  const bytes = row[contentColumn];
  if (!(bytes instanceof Uint8Array) || table === 'response_chunks') return;
  if (table === 'items') {
    const hash = createHash('sha256').update(bytes).digest();
    if (!(row['hash'] instanceof Uint8Array) || !hash.equals(row['hash']))
      throw damaged(number, 'its bytes are not those of its hash');
    Object.assign(row, { bytes: bytes.length }, await packBody(bytes));
  } else if (row['storage'] === 'template') {
    row[contentColumn] = await packSmall(bytes);
  } else if (row['storage'] === 'whole') {
    Object.assign(row, await packBody(bytes));
  } else if (row['storage'] !== 'chunks') {
    throw damaged(number, `its storage is not known: ${String(row['storage'])}`);
  }
}

function checkNode(row: Row, number: number): void {
  const { hash, parent = null, item } = row;
  const isGood =
    hash instanceof Uint8Array &&
    item instanceof Uint8Array &&
    (parent === null || parent instanceof Uint8Array) &&
    nodeHash(parent, item).equals(hash);
  if (!isGood) throw damaged(number, 'its hash is not that of its parent and item');
}

function checkHeaders(row: Row, number: number): void {
  for (const column of ['request_headers', 'response_headers']) {
    const text = row[column] ?? null;
    if (column === 'response_headers' && text === null) continue;
    if (typeof text !== 'string' || parseHeaders(text) === null) throw damaged(number, `its ${column} are no headers`);
  }
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

function damaged(line: number, why: string, cause?: unknown): TapesError {
  return new TapesError('E_IMPORT_DAMAGED', `line ${line} of the file is damaged: ${why}`, {
    hint: 'nothing was imported; export it once more with: tapes export SESSION -o FILE',
    cause,
  });
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
