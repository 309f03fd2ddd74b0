// How a call ended, judged from how its exchange went on the wire and from what the answer said.
import type { CallError, CallStatus } from '../domain/index.ts';
import type { AnswerOutcome } from './answer.ts';
import { isRecord, parseRecord, textOf } from './json.ts';

/** `httpStatus` is null where no response head came (or on a WebSocket); `errorBody` is the decoded body of an HTTP error. */
export interface CallEnding {
  readonly httpStatus: number | null;
  readonly answer: AnswerOutcome | null;
  readonly ended: 'responseEnded' | 'agentHungUp' | 'upstreamFailed' | 'tapesDied' | 'open';
  readonly failure: CallError | null;
  readonly errorBody: string | null;
}

/**
 * What the provider said goes first, whoever hung up later: Codex closes the connection as soon as it has read the terminal
 * event (30 ms, measured), so a hang-up after it is a completed call.
 */
export function judgeCall(input: CallEnding): { status: CallStatus; error: CallError | null } {
  const { httpStatus, answer, ended, failure } = input;
  if (httpStatus !== null && httpStatus >= 400)
    return { status: 'failed', error: readErrorBody(httpStatus, input.errorBody) };
  switch (answer?.terminal ?? null) {
    case 'completed':
      return { status: 'completed', error: null };
    case 'incomplete': {
      const code = answer?.incompleteReason ?? 'incomplete';
      return { status: 'incomplete', error: answer?.error ?? { code, message: `the model stopped early: ${code}` } };
    }
    case 'failed':
      return { status: 'failed', error: answer?.error ?? { code: 'error', message: '' } };
    case null:
      return judgeUnfinished(httpStatus, ended, failure);
  }
}

function judgeUnfinished(
  httpStatus: number | null,
  ended: CallEnding['ended'],
  failure: CallError | null,
): { status: CallStatus; error: CallError | null } {
  switch (ended) {
    case 'open':
      return { status: 'streaming', error: null };
    case 'tapesDied':
      return { status: 'interrupted', error: null };
    case 'agentHungUp':
      return { status: 'aborted', error: failure };
    case 'responseEnded':
    case 'upstreamFailed':
      return { status: 'truncated', error: failure ?? truncated(httpStatus) };
  }
}

function truncated(httpStatus: number | null): CallError {
  if (httpStatus === null)
    return { code: 'no_response', message: 'the provider ended the connection without an answer' };
  return { code: 'stream_ended', message: 'the stream ended without a terminal event' };
}

/** `{"error": {"code" | "type", "message"}}`, `{"error": "…"}`, `{"detail": …}`; else the status and how the body begins. */
function readErrorBody(httpStatus: number, body: string | null): CallError {
  const fallback = `http_${httpStatus}`;
  const json = parseRecord(body ?? '');
  if (json === null) return { code: fallback, message: (body ?? '').replace(/\s+/g, ' ').trim().slice(0, 200) };
  for (const value of [json['error'], json['detail'], json]) {
    if (typeof value === 'string' && value !== '') return { code: textOf(json['code']) ?? fallback, message: value };
    if (!isRecord(value)) continue;
    const code = textOf(value['code']) ?? textOf(value['type']);
    const message = textOf(value['message']) ?? textOf(value['detail']);
    if (code !== null || message !== null) return { code: code ?? fallback, message: message ?? '' };
  }
  return { code: fallback, message: '' };
}
