// stub
import type { CallError, CallStatus, RateLimits, RawHeaders } from '../domain/index.ts';
import type { AnswerOutcome } from './answer.ts';
export interface CallEnding {
  readonly httpStatus: number | null;
  readonly answer: AnswerOutcome | null;
  readonly ended: 'responseEnded' | 'agentHungUp' | 'upstreamFailed' | 'tapesDied' | 'open';
  readonly failure: { readonly code: string; readonly message: string } | null;
  readonly errorBody: string | null;
}
export function judgeCall(_input: CallEnding): { status: CallStatus; error: CallError | null } {
  throw new Error('not yet');
}
export function readRateLimits(_headers: RawHeaders): RateLimits | null {
  throw new Error('not yet');
}
