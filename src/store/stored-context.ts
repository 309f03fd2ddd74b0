// What a thread's context was, read back from its stored calls: needed once for each thread that goes on in a new run.
import type { Item } from '../domain/index.ts';
import { readRequestBody, toItem } from '../derive/index.ts';
import { unpackBody } from './compression.ts';
import type { Connection } from './connection.ts';
import type { BodyRow, CallRow } from './rows.ts';

export interface StoredContext {
  readonly last: Pick<CallRow, 'id' | 'turn_id' | 'kind' | 'status' | 'retry_key' | 'attempt'>;
  readonly input: readonly Item[];
  readonly output: readonly Item[];
}

// A WebSocket call holds only what is new, so its context is spread over the calls before it.
const walkBackLimit = 500;

export async function readStoredContext(connection: Connection, threadId: string): Promise<StoredContext | null> {
  const calls = await connection.all<CallRow>(
    'SELECT * FROM calls WHERE thread_id = ? ORDER BY started_at DESC, rowid DESC LIMIT ?',
    [threadId, walkBackLimit],
  );
  const last = calls[0];
  if (last === undefined) return null;
  let input: Item[] = [];
  let call: CallRow | undefined = last;
  while (call !== undefined) {
    const own = await readInput(connection, call.id);
    input = [...own, ...(call === last ? [] : readOutput(call)), ...input];
    const previous: string | null = call.previous_response_id;
    call = previous === null ? undefined : calls.find((candidate) => candidate.response_id === previous);
  }
  return { last, input, output: readOutput(last) };
}

function readOutput(call: Pick<CallRow, 'output'>): Item[] {
  return (JSON.parse(call.output) as Record<string, unknown>[]).map((json) => toItem(json));
}

async function readInput(connection: Connection, callId: string): Promise<Item[]> {
  const body = await connection.get<Pick<BodyRow, 'storage' | 'data'>>(
    "SELECT storage, data FROM bodies WHERE call_id = ? AND side = 'request'",
    [callId],
  );
  if (body === undefined || body.storage === 'chunks') return [];
  const bytes = await unpackBody({ storage: body.storage, data: body.data });
  return readRequestBody(new TextDecoder().decode(bytes)).inputItems.map(({ item }) => item);
}
