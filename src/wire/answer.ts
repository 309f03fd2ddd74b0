// What one model call answered, as plain data, and how the fields that SSE, WebSocket and plain JSON share are read.
import type { CallError, Usage } from '../domain/index.ts';
import { isRecord, numberOf, stringOf } from './json.ts';
import type { JsonRecord } from './json.ts';

/** An output item as JSON, with what is not known kept. `partial`: nothing said that it is complete. */
export interface AnswerItem {
  readonly outputIndex: number;
  readonly json: JsonRecord;
  readonly partial: boolean;
}

export interface Answer {
  readonly responseId: string | null;
  readonly model: string | null;
  /** The event that ended the answer; null where none was seen. */
  readonly terminal: 'completed' | 'incomplete' | 'failed' | null;
  readonly incompleteReason: string | null;
  readonly error: CallError | null;
  readonly usage: Usage | null;
  /** In the order of `outputIndex`. */
  readonly items: readonly AnswerItem[];
  /** Monotonic time in ms of the first output token (any delta, else the first finished item); null where none came. */
  readonly firstTokenAt: number | null;
  readonly eventCount: number;
  readonly unknownEventTypes: readonly string[];
  /** What of the answer was too much to be read; absent where all of it was. */
  readonly notRead?: string;
}

/** Reads `{input_tokens, input_tokens_details: {cached_tokens}, …}`; null where it is no such object. */
export function readUsage(value: unknown): Usage | null {
  if (!isRecord(value)) return null;
  const inputTokens = numberOf(value['input_tokens']) ?? 0;
  const outputTokens = numberOf(value['output_tokens']) ?? 0;
  const inputDetails = value['input_tokens_details'];
  const outputDetails = value['output_tokens_details'];
  return {
    inputTokens,
    cachedInputTokens: (isRecord(inputDetails) ? numberOf(inputDetails['cached_tokens']) : null) ?? 0,
    outputTokens,
    reasoningTokens: (isRecord(outputDetails) ? numberOf(outputDetails['reasoning_tokens']) : null) ?? 0,
    totalTokens: numberOf(value['total_tokens']) ?? inputTokens + outputTokens,
  };
}

/** Reads `{code, type, message}` in any of the mixtures that are sent; `code` is the most specific name there is. */
export function readError(value: unknown): CallError | null {
  if (typeof value === 'string') return { code: 'error', message: value };
  if (!isRecord(value)) return null;
  const code = nameOf(value['code']) ?? nameOf(value['type']) ?? 'error';
  return { code, message: stringOf(value['message']) ?? stringOf(value['detail']) ?? '' };
}

function nameOf(value: unknown): string | null {
  if (typeof value === 'number') return String(value);
  return typeof value === 'string' && value !== '' ? value : null;
}

/** "2 events of the answer: too long" */
export const sayEvents = (count: number, what: string): string =>
  count === 1 ? `1 event of the answer: too ${what}` : `${count} events of the answer: too ${what}`;
