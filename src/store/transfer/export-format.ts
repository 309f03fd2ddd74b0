// The export file: one JSON object a line. The first names the format, the last counts the records; between them is one record a row,
// `type` being its table and the other fields its columns (the schema is public). Bytes are text where they are UTF-8, so that the file
// can be read; hashes are hexadecimal. Headers are whole lists, however the database keeps them.
import { isUtf8 } from 'node:buffer';

export const exportFormat = 'tapes-export';
// 2: runs have a kind and a proxy_run_id. 3: connections, what exchanges say of them, and the times of chunks.
export const exportVersion = 3;

/** Parents first, as their references need it. */
export const exportedTables = [
  'runs',
  'connections',
  'exchanges',
  'sessions',
  'threads',
  'turns',
  'calls',
  'call_times',
  'items',
  'nodes',
  'request_parts',
  'bodies',
  'response_chunks',
] as const;

export type ExportedTable = (typeof exportedTables)[number];

export interface ExportHead {
  readonly type: typeof exportFormat;
  readonly version: number;
  readonly tapesVersion: string;
  readonly exportedAt: string;
  readonly sessions: readonly string[];
}

export interface ExportEnd {
  readonly type: 'end';
  readonly records: number;
}

/** The column that holds content, however it is packed. */
export const contentColumn = 'data';

/** Goes as it is kept: the schema says how. Every other BLOB is a hash. */
export const timesColumn = 'chunk_times';

export function writeContent(bytes: Uint8Array): string | { base64: string } {
  const buffer = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  return isUtf8(buffer) ? buffer.toString('utf8') : { base64: buffer.toString('base64') };
}

/** Null: neither text nor base64. */
export function readContent(value: unknown): Uint8Array | null {
  if (typeof value === 'string') return Buffer.from(value, 'utf8');
  if (typeof value !== 'object' || value === null || !('base64' in value)) return null;
  return typeof value.base64 === 'string' ? Buffer.from(value.base64, 'base64') : null;
}

/** Null: no SHA-256. */
export function readHash(value: unknown): Buffer | null {
  return typeof value === 'string' && /^[0-9a-f]{64}$/.test(value) ? Buffer.from(value, 'hex') : null;
}
