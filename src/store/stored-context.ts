// What a thread's context was, read back from its stored calls: needed once for each thread that goes on in a new run.
import type { Item } from '../domain/index.ts';
import { readRequestBody, toItem } from '../derive/index.ts';
import { openBodyReader } from './body-reader.ts';
import type { Connection } from './connection.ts';
import type { CallRow } from './rows.ts';

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
  // What is damaged tells nothing: the call that follows is recorded all the same.
  const bytes = await openBodyReader(connection)
    .readWhole(callId, 'request')
    .catch(() => null);
  if (bytes === null) return [];
  return readRequestBody(new TextDecoder().decode(bytes)).inputItems.map(({ item }) => item);
}
