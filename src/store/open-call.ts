// A call that has not ended, as its chunks on disk tell it: for a reader that looks while it runs, and for what a dead run left.
import { createHash } from 'node:crypto';

import type { CallEnding } from '../derive/index.ts';
import { judgeCall, stringifyDeep } from '../derive/index.ts';
import type { Answer } from '../wire/index.ts';
import { AnswerStream } from './answer-stream.ts';
import { packBody } from './compression.ts';
import type { PackedBody } from './compression.ts';
import type { Connection } from './connection.ts';
import type { BodyRow, CallRow } from './rows.ts';

// Chunks are read a page at a time, so that a long answer is never in memory whole.
const pageRows = 256;

export interface OpenCall {
  readonly row: CallRow;
  readonly storedBytes: number;
  readonly storedSha256: string;
}

export async function readOpenCall(
  connection: Connection,
  call: CallRow,
  ended: CallEnding['ended'],
): Promise<OpenCall> {
  const hash = createHash('sha256');
  const stream = new AnswerStream();
  let storedBytes = 0;
  let atMs = 0;
  for await (const chunk of readChunks(connection, call.id)) {
    hash.update(chunk.data);
    storedBytes += chunk.data.length;
    atMs = chunk.at_ms;
    if (call.transport === 'https') stream.push(chunk.data, atMs);
    else stream.pushLines(chunk.data, atMs);
  }
  const { answer, errorBody } = stream.end(atMs);
  const ending: CallEnding = { httpStatus: call.http_status, answer, ended, failure: null, errorBody };
  return {
    row: {
      ...call,
      ...answerColumns(ending, answer, call),
      first_token_ms: answer?.firstTokenAt ?? null,
    },
    storedBytes,
    storedSha256: hash.digest('hex'),
  };
}

export async function* readChunks(
  connection: Connection,
  callId: string,
): AsyncGenerator<{ seq: number; at_ms: number; data: Uint8Array }> {
  let after = -1;
  for (;;) {
    const rows = await connection.all<{ seq: number; at_ms: number; data: Uint8Array }>(
      'SELECT seq, at_ms, data FROM response_chunks WHERE call_id = ? AND seq > ? ORDER BY seq LIMIT ?',
      [callId, after, pageRows],
    );
    yield* rows;
    if (rows.length < pageRows) return;
    after = rows.at(-1)!.seq;
  }
}

// Above this the chunks stay as they are, so that memory does not grow with an answer.
const mergeLimitBytes = 16 * 1024 * 1024;

/** One body of an ended call's chunks: those on disk, then those that were not written yet. */
export async function mergeChunks(
  connection: Connection,
  callId: string,
  pending: readonly Uint8Array[],
): Promise<PackedBody> {
  const parts: Uint8Array[] = [];
  for await (const { data } of readChunks(connection, callId)) parts.push(data);
  return packBody(Buffer.concat([...parts, ...pending]));
}

/** A body that is too long to be merged: its chunks are its storage. */
export function keptInChunks(storedBytes: number): Pick<BodyRow, 'storage' | 'data'> | null {
  return storedBytes > mergeLimitBytes ? { storage: 'chunks', data: new Uint8Array(0) } : null;
}

type AnswerColumns = Pick<
  CallRow,
  | 'status'
  | 'model'
  | 'response_id'
  | 'error_code'
  | 'error_message'
  | 'input_tokens'
  | 'cached_input_tokens'
  | 'output_tokens'
  | 'reasoning_tokens'
  | 'total_tokens'
  | 'output'
>;

/** The columns of a call that its answer and its end give. */
export function answerColumns(ending: CallEnding, answer: Answer | null, call: Pick<CallRow, 'model'>): AnswerColumns {
  const { status, error } = judgeCall(ending);
  const usage = answer?.usage ?? null;
  return {
    status,
    model: answer?.model ?? call.model,
    response_id: answer?.responseId ?? null,
    error_code: error?.code ?? null,
    error_message: error?.message ?? null,
    input_tokens: usage?.inputTokens ?? null,
    cached_input_tokens: usage?.cachedInputTokens ?? null,
    output_tokens: usage?.outputTokens ?? null,
    reasoning_tokens: usage?.reasoningTokens ?? null,
    total_tokens: usage?.totalTokens ?? null,
    output: stringifyDeep(answer?.items.map(({ json }) => json) ?? []),
  };
}
