// Bodies given back: decoded and masked, byte for byte as they were kept.
import type { Connection } from '../connection.ts';
import { unpackBody } from '../compression.ts';
import { readChunks } from '../open-call.ts';
import type { BodyRow } from '../rows.ts';

export type BodySide = BodyRow['side'];

/** What is known of a body besides its bytes. */
export interface BodyFacts {
  readonly contentEncoding: string | null;
  readonly wireBytes: number | null;
  readonly wireSha256: string | null;
  readonly decodedBytes: number;
  readonly decodedSha256: string | null;
  readonly masked: number;
  readonly problem: string | null;
}

/** In pieces; null where none was recorded. Of a call that is still streaming: the response so far. */
export async function readBody(
  connection: Connection,
  callId: string,
  side: BodySide,
): Promise<AsyncIterable<Uint8Array> | null> {
  const row = await connection.get<Pick<BodyRow, 'storage' | 'data'>>(
    'SELECT storage, data FROM bodies WHERE call_id = ? AND side = ?',
    [callId, side],
  );
  if (row !== undefined && row.storage !== 'chunks') {
    return once(await unpackBody({ storage: row.storage, data: row.data }));
  }
  if (side === 'request') return null;
  const { chunks } = (await connection.get<{ chunks: number }>(
    'SELECT count(*) AS chunks FROM response_chunks WHERE call_id = ?',
    [callId],
  ))!;
  return chunks === 0 ? null : pieces(connection, callId);
}

export async function readBodyFacts(connection: Connection, callId: string, side: BodySide): Promise<BodyFacts | null> {
  const row = await connection.get<Omit<BodyRow, 'data'>>(
    `SELECT content_encoding, wire_bytes, wire_sha256, decoded_bytes, decoded_sha256, masked, problem
     FROM bodies WHERE call_id = ? AND side = ?`,
    [callId, side],
  );
  if (row === undefined) return null;
  return {
    contentEncoding: row.content_encoding,
    wireBytes: row.wire_bytes,
    wireSha256: row.wire_sha256,
    decodedBytes: row.decoded_bytes,
    decodedSha256: row.decoded_sha256,
    masked: row.masked,
    problem: row.problem,
  };
}

async function* once(bytes: Uint8Array): AsyncGenerator<Uint8Array> {
  yield bytes;
}

async function* pieces(connection: Connection, callId: string): AsyncGenerator<Uint8Array> {
  for await (const { data } of readChunks(connection, callId)) yield data;
}
