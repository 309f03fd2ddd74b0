// Finishes what dead runs left: their open exchanges and calls become interrupted, with all that is on disk of them.
import { ChunkTimesBuilder } from '../chunk-times.ts';
import type { Connection } from '../connection.ts';
import { keptInChunks, mergeChunks, readChunks, readOpenCall } from '../open-call.ts';
import type { RowOf, TableName, CallRow } from '../rows.ts';
import { upsertOf } from '../rows.ts';
import { toItem } from '../../derive/index.ts';
import { indexAnswer } from '../search-index.ts';
import { isProcessAlive } from '../../processes/index.ts';
import type { RunProcess } from '../../processes/index.ts';

export async function recoverDeadRuns(connection: Connection): Promise<void> {
  const open = await connection.all<RunProcess & { readonly id: string }>(
    'SELECT id, hostname, pid, pid_started FROM runs WHERE ended_at IS NULL AND interrupted = 0',
  );
  for (const run of open) {
    if (!isProcessAlive(run)) await connection.transaction(() => recoverRun(connection, run.id));
  }
}

/** Inside a transaction: of two recorders that start at once, the second finds nothing left to do. */
async function recoverRun(connection: Connection, runId: string): Promise<void> {
  const calls = await connection.all<CallRow>("SELECT * FROM calls WHERE run_id = ? AND status = 'streaming'", [runId]);
  for (const call of calls) await recoverCall(connection, call);
  await connection.run("UPDATE exchanges SET outcome = 'interrupted' WHERE run_id = ? AND outcome = 'open'", [runId]);
  await connection.run('UPDATE runs SET interrupted = 1 WHERE id = ?', [runId]);
}

async function recoverCall(connection: Connection, call: CallRow): Promise<void> {
  const { row, storedBytes, storedSha256 } = await readOpenCall(connection, call, 'tapesDied');
  await put(connection, 'calls', row);
  await connection.run("UPDATE call_times SET ended = 'tapesDied', first_token_ms = ? WHERE call_id = ?", [
    row.first_token_ms,
    call.id,
  ]);
  const output = (JSON.parse(row.output) as Readonly<Record<string, unknown>>[]).map((json) => toItem(json));
  for (const { sql, values } of indexAnswer(row, output)) await connection.run(sql, values);
  if (storedBytes === 0) return;
  const body = {
    call_id: call.id,
    side: 'response',
    content_encoding: null,
    wire_bytes: null,
    wire_sha256: null,
    decoded_bytes: storedBytes,
    decoded_sha256: null,
    stored_bytes: storedBytes,
    stored_sha256: storedSha256,
    masked: 0,
    node: null,
    problem: 'tapes died while it streamed: this is what had been written',
    chunk_times: await writtenTimes(connection, call.id),
  } as const;
  const kept = keptInChunks(storedBytes);
  await put(connection, 'bodies', { ...body, ...(kept ?? (await mergeChunks(connection, call.id, []))) });
  if (kept !== null) return;
  await connection.run('DELETE FROM response_chunks WHERE call_id = ?', [call.id]);
}

/** Chunks were written in batches: the times are those of the first of each. */
async function writtenTimes(connection: Connection, callId: string): Promise<Uint8Array | null> {
  const times = new ChunkTimesBuilder(0);
  for await (const { at_ms: atMs, data } of readChunks(connection, callId)) times.add(atMs, data.length);
  return times.pack();
}

async function put<Table extends TableName>(connection: Connection, table: Table, row: RowOf<Table>): Promise<void> {
  const { sql, values } = upsertOf(table, row);
  await connection.run(sql, values);
}
