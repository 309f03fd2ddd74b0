// What the two sides of the recorder's thread say to each other.
import type { ErrorCode } from '../../errors.ts';
import type { RunRecorderEvent } from './run-recorder.ts';
import type { RecorderOptions, RecorderReport, RunEnd } from './recorder-types.ts';

export type ToThread =
  | { readonly type: 'event'; readonly event: RunRecorderEvent }
  | { readonly type: 'secrets'; readonly values: readonly string[] }
  | { readonly type: 'endRun'; readonly end: RunEnd }
  | { readonly type: 'close'; readonly lost: { readonly events: number; readonly problem: string } | null };

export type FromThread =
  | {
      readonly type: 'ready';
      readonly error: { readonly code: ErrorCode; readonly message: string; readonly hint: string | undefined } | null;
    }
  | { readonly type: 'handled'; readonly events: number; readonly bytes: number }
  | { readonly type: 'closed'; readonly report: RecorderReport };

export type ThreadOptions = RecorderOptions;

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
