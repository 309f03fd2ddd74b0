// The recording held against what passed: every call that is over is there once, its request and its answer byte for byte.
import { withLibrary } from '../../src/store/index.ts';
import { Connection } from '../../src/store/connection.ts';
import { sha256, type Entry, type Ledger } from './ledger.ts';
import { idOf } from './provider.ts';

export interface RecordingVerdict {
  /** Calls that were looked up. */
  readonly calls: number;
  readonly bytes: number;
  readonly lost: number;
  readonly changed: number;
  /** Events that tapes itself says it has dropped. */
  readonly dropped: number;
  readonly problems: readonly string[];
}

export interface RecordedCall {
  readonly id: string;
  readonly status: string;
  readonly path: string;
}

export interface Bodies {
  readonly request: Uint8Array | null;
  readonly response: Uint8Array | null;
}

const keptProblems = 100;

export async function readRecordedCalls(dbFile: string): Promise<Map<string, RecordedCall[]>> {
  const connection = await Connection.open(dbFile, 'read');
  try {
    const rows = await connection.all<RecordedCall>(
      'SELECT calls.id, calls.status, exchanges.path FROM calls JOIN exchanges ON exchanges.id = calls.exchange_id',
    );
    const calls = new Map<string, RecordedCall[]>();
    for (const row of rows) calls.set(idOf(row.path), [...(calls.get(idOf(row.path)) ?? []), row]);
    return calls;
  } finally {
    await connection.close();
  }
}

export async function compareRecording(dbFile: string, ledger: Ledger): Promise<RecordingVerdict> {
  const recorded = await readRecordedCalls(dbFile);
  const connection = await Connection.open(dbFile, 'read');
  const dropped = (await connection.get<{ dropped: number }>('SELECT sum(dropped) AS dropped FROM runs'))?.dropped ?? 0;
  await connection.close();
  const found = { calls: 0, bytes: 0, lost: 0, changed: 0 };
  const problems: string[] = [];
  await withLibrary(dbFile, async (library) => {
    const read = async (id: string, side: 'request' | 'response'): Promise<Uint8Array | null> => {
      const body = await library.readBody(id, side);
      return body === null ? null : joined(body);
    };
    for (const entry of ledger.entries.values()) {
      if (!entry.isCall || !entry.isOver) continue;
      found.calls += 1;
      const calls = recorded.get(entry.id) ?? [];
      const id = calls[0]?.id;
      const bodies =
        id === undefined
          ? { request: null, response: null }
          : { request: await read(id, 'request'), response: await read(id, 'response') };
      found.bytes += (bodies.request?.length ?? 0) + (bodies.response?.length ?? 0);
      const verdict = judgeCall(entry, calls, bodies);
      if (verdict === null) continue;
      found[verdict.what] += 1;
      if (problems.length < keptProblems) problems.push(`${entry.kind} ${entry.id}: ${verdict.why}`);
    }
  });
  return { ...found, dropped, problems };
}

async function joined(pieces: AsyncIterable<Uint8Array>): Promise<Uint8Array> {
  const all: Uint8Array[] = [];
  for await (const piece of pieces) all.push(piece);
  return Buffer.concat(all);
}

/** What is wrong with the recording of a call; null: nothing. */
export function judgeCall(
  entry: Pick<Entry, 'meant' | 'decodedRequestSha256' | 'answer' | 'gotBytes'>,
  calls: readonly RecordedCall[],
  { request, response }: Bodies,
): { readonly what: 'lost' | 'changed'; readonly why: string } | null {
  const lost = (why: string) => ({ what: 'lost' as const, why });
  const changed = (why: string) => ({ what: 'changed' as const, why });
  const [call, ...more] = calls;
  if (call === undefined) return lost('is not recorded');
  if (more.length > 0) return changed(`is recorded ${calls.length} times`);
  if (request === null) return lost('its request is not recorded');
  if (sha256(request) !== entry.decodedRequestSha256) return changed('another request is recorded');
  const isWhole = entry.meant === 'whole';
  if (isWhole && call.status !== 'completed') return lost(`is recorded as ${call.status}`);
  const answer = entry.answer();
  const kept = response ?? new Uint8Array(0);
  if (kept.length < (isWhole ? answer.length : entry.gotBytes)) {
    return lost(`${kept.length} bytes of its answer are recorded; ${entry.gotBytes} had come`);
  }
  if (Buffer.compare(kept, answer.subarray(0, kept.length)) !== 0) return changed('another answer is recorded');
  return null;
}
