import { describe, expect, it } from 'vitest';

import { judgeCall } from './index.ts';
import type { AnswerOutcome, CallEnding } from './index.ts';

const endings = ['responseEnded', 'agentHungUp', 'upstreamFailed', 'tapesDied', 'open'] as const;
const open: CallEnding = { httpStatus: 200, answer: null, ended: 'open', failure: null, errorBody: null };
const outcome = (terminal: AnswerOutcome['terminal'], more: Partial<AnswerOutcome> = {}): AnswerOutcome => ({
  terminal,
  incompleteReason: null,
  error: null,
  ...more,
});

describe('a call whose answer came to its end', () => {
  it.each(endings)('is completed, even if then: %s', (ended) => {
    expect(judgeCall({ ...open, answer: outcome('completed'), ended })).toEqual({ status: 'completed', error: null });
  });

  it('is incomplete with the reason of the model', () => {
    const answer = outcome('incomplete', { incompleteReason: 'max_output_tokens' });
    expect(judgeCall({ ...open, answer })).toMatchObject({
      status: 'incomplete',
      error: { code: 'max_output_tokens' },
    });
  });

  it('is failed with the error of the provider', () => {
    const error = { code: 'server_error', message: 'Broken.' };
    expect(judgeCall({ ...open, httpStatus: null, answer: outcome('failed', { error }) })).toEqual({
      status: 'failed',
      error,
    });
  });
});

describe('a call without a terminal event', () => {
  const answer = outcome(null);

  it.each([
    ['open', 'streaming'],
    ['tapesDied', 'interrupted'],
    ['agentHungUp', 'aborted'],
    ['responseEnded', 'truncated'],
    ['upstreamFailed', 'truncated'],
  ] as const)('that ended by %s is %s', (ended, status) => {
    expect(judgeCall({ ...open, answer, ended }).status).toBe(status);
    expect(judgeCall({ ...open, httpStatus: null, answer: null, ended }).status).toBe(status);
  });

  it('keeps the failure that was seen on the wire', () => {
    const failure = { code: 'ECONNRESET', message: 'socket hang up' };
    expect(judgeCall({ ...open, answer, ended: 'upstreamFailed', failure }).error).toEqual(failure);
    expect(judgeCall({ ...open, answer, ended: 'responseEnded' }).error?.code).toBe('stream_ended');
  });
});

describe('an HTTP error', () => {
  it.each([
    ['{"error":{"type":"usage_limit_reached","message":"No more.","resets_at":1}}', 'usage_limit_reached', 'No more.'],
    [
      '{"error":{"type":"invalid_request_error","code":"context_length_exceeded","message":"Long."}}',
      'context_length_exceeded',
      'Long.',
    ],
    ['{"error":{"message":"Just this."}}', 'http_429', 'Just this.'],
    ['{"error":"Words."}', 'http_429', 'Words.'],
    ['{"detail":"Unauthorized"}', 'http_429', 'Unauthorized'],
    ['{"detail":{"code":"deactivated","message":"Gone."}}', 'deactivated', 'Gone.'],
    ['{"code":"x","message":"Flat."}', 'x', 'Flat.'],
    ['<html>\n  <h1>Bad   Gateway</h1>', 'http_429', '<html> <h1>Bad Gateway</h1>'],
    ['{}', 'http_429', ''],
    ['{"error":null}', 'http_429', ''],
    ['[1]', 'http_429', '[1]'],
    ['', 'http_429', ''],
    [null, 'http_429', ''],
  ])('is failed, with what the body says: %j', (errorBody, code, message) => {
    for (const ended of endings) {
      expect(judgeCall({ ...open, httpStatus: 429, ended, errorBody })).toEqual({
        status: 'failed',
        error: { code, message },
      });
    }
  });

  it('does not keep a long body that is no JSON', () => {
    const { error } = judgeCall({ ...open, httpStatus: 502, ended: 'responseEnded', errorBody: 'x'.repeat(5000) });
    expect(error?.message.length).toBe(200);
  });
});
