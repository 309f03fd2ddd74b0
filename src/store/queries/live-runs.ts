// Which runs are still recording. A reader shows what a dead run left open as interrupted, without writing it.
import type { CallStatus } from '../../domain/index.ts';
import type { Connection } from '../connection.ts';
import { isProcessAlive } from '../../processes/index.ts';
import type { RunProcess } from '../../processes/index.ts';

export type LiveRuns = ReadonlySet<string>;

export async function readLiveRuns(connection: Connection): Promise<LiveRuns> {
  const open = await connection.all<RunProcess & { readonly id: string }>(
    'SELECT id, hostname, pid, pid_started FROM runs WHERE ended_at IS NULL AND interrupted = 0',
  );
  return new Set(open.filter(isProcessAlive).map((run) => run.id));
}

export function statusNow(call: { readonly status: string; readonly run_id: string }, live: LiveRuns): CallStatus {
  return call.status === 'streaming' && !live.has(call.run_id) ? 'interrupted' : (call.status as CallStatus);
}
