// What the two sides of the recorder's thread say to each other. One thread may record several runs; each message says of which it speaks. To the thread they go
// several at a time.
import type { DataEvent, PackedData } from '../../domain/index.ts';
import type { ErrorCode } from '../../errors.ts';
import type { RunRecorderEvent } from './run-recorder.ts';
import type { RecorderReport, RunEnd, RunProcessFacts, RunStart, ThreadOptions } from './recorder-types.ts';

export type ToThread =
  | { readonly type: 'openRun'; readonly run: RunStart }
  | { readonly type: 'event'; readonly runId: string; readonly event: RunRecorderEvent }
  | { readonly type: 'data'; readonly runId: string; readonly packed: PackedData }
  /** Of all runs, now and later. */
  | { readonly type: 'secrets'; readonly values: readonly string[] }
  | { readonly type: 'describeRun'; readonly runId: string; readonly facts: RunProcessFacts }
  | { readonly type: 'endRun'; readonly runId: string; readonly end: RunEnd }
  | {
      readonly type: 'closeRun';
      readonly runId: string;
      readonly lost: { readonly events: number; readonly problem: string } | null;
    }
  | { readonly type: 'dropWaiting'; readonly runId: string }
  /** Once all runs are closed. */
  | { readonly type: 'leave' };

/** What waits to be sent; pieces of bodies are packed when it is. */
export type Waiting = ToThread | { readonly type: 'unpacked'; readonly runId: string; readonly events: DataEvent[] };

export type FromThread = { readonly runId: string } & (
  | {
      readonly type: 'ready';
      readonly error: { readonly code: ErrorCode; readonly message: string; readonly hint: string | undefined } | null;
    }
  | { readonly type: 'handled'; readonly events: number; readonly bytes: number }
  | { readonly type: 'closed'; readonly report: RecorderReport }
);

export type ThreadData = Pick<ThreadOptions, 'dbFile' | 'maskKey' | 'secrets'>;

/** What an event takes while it waits, roughly; both sides must agree. */
export function sizeOfEvent(event: RunRecorderEvent): number {
  switch (event.type) {
    case 'requestData':
    case 'responseData':
    case 'socketMessage':
      return 256 + event.data.length;
    case 'requestStarted':
    case 'upgradeRefused':
    case 'socketOpened':
      return 4096;
    default:
      return 256;
  }
}
