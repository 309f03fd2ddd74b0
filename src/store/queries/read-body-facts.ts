// What is known of a body besides its bytes.
import type { Connection } from '../connection.ts';
import type { BodySide } from '../body-reader.ts';
import type { BodyRow } from '../rows.ts';

export interface BodyFacts {
  readonly contentEncoding: string | null;
  readonly wireBytes: number | null;
  readonly wireSha256: string | null;
  readonly decodedBytes: number;
  readonly decodedSha256: string | null;
  readonly masked: number;
  readonly problem: string | null;
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
