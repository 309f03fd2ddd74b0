// What the lines of an export say, checked one by one, with no database: rows of tables whose columns are known, in a file that begins and ends as
// it should, with hashes that are those of what stands beside them. References are the database's to check.
import { createHash } from 'node:crypto';

import { TapesError } from '../../errors.ts';
import { unpackChunkTimes } from '../chunk-times.ts';
import type { SqlValue } from '../connection.ts';
import { nodeHash } from '../request-items.ts';
import { parseHeaders } from '../header-parts.ts';
import type { ExportedTable } from './export-format.ts';
import { contentColumn, exportFormat, exportVersion, readContent, readHash, timesColumn } from './export-format.ts';

export type Row = Record<string, SqlValue>;
/** The columns of a table, and their types. */
export type Columns = ReadonlyMap<string, string>;

export interface ImportRecord {
  readonly table: ExportedTable;
  /** Content is not packed yet. */
  readonly row: Row;
  /** Its line. */
  readonly number: number;
}

const storages = new Set<SqlValue | undefined>(['template', 'whole', 'chunks']);

export class ImportLines {
  readonly #columns: ReadonlyMap<string, Columns>;
  #sessions: readonly string[] | null = null;
  #records: number | null = null;
  #number = 0;

  constructor(columns: ReadonlyMap<string, Columns>) {
    this.#columns = columns;
  }

  /** Null: a line that is no record, the first or the last. Throws E_IMPORT_NEWER, E_IMPORT_DAMAGED. */
  push(line: string): ImportRecord | null {
    const number = ++this.#number;
    const json = parseLine(line, number);
    if (this.#sessions === null) {
      this.#sessions = readHead(json, number);
      return null;
    }
    if (this.#records !== null) throw damaged(number, 'there is something behind the last record');
    if (json['type'] !== 'end') return this.#readRecord(json, number);
    this.#records = number - 2;
    if (json['records'] !== this.#records)
      throw damaged(number, `${this.#records} records came before it, not ${String(json['records'])}`);
    return null;
  }

  /** The sessions that the file names. Throws E_IMPORT_DAMAGED where it is not whole. */
  end(): readonly string[] {
    if (this.#sessions === null) throw damaged(1, 'the file is empty');
    if (this.#records === null) throw damaged(this.#number + 1, 'the file ends here, and its last line is missing');
    return this.#sessions;
  }

  #readRecord(json: Record<string, unknown>, number: number): ImportRecord {
    const { type, ...values } = json;
    const columns = this.#columns.get(String(type));
    if (columns === undefined) throw damaged(number, `its type is not known: ${String(type)}`);
    const table = type as ExportedTable;
    const row: Row = {};
    for (const [column, value] of Object.entries(values)) row[column] = readValue(columns, column, value, number);
    if (row[contentColumn] instanceof Uint8Array) checkContent(table, row, row[contentColumn], number);
    if (table === 'nodes') checkNode(row, number);
    if (table === 'exchanges') checkHeaders(row, number);
    return { table, row, number };
  }
}

export function damaged(line: number, why: string, cause?: unknown): TapesError {
  return new TapesError('E_IMPORT_DAMAGED', `line ${line} of the file is damaged: ${why}`, {
    hint: 'nothing was imported; export it once more with: tapes export SESSION -o FILE',
    cause,
  });
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

function checkContent(table: ExportedTable, row: Row, bytes: Uint8Array, number: number): void {
  if (table === 'response_chunks') return;
  if (table === 'items') {
    const hash = createHash('sha256').update(bytes).digest();
    if (!(row['hash'] instanceof Uint8Array) || !hash.equals(row['hash']))
      throw damaged(number, 'its bytes are not those of its hash');
  } else if (!storages.has(row['storage'])) {
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
