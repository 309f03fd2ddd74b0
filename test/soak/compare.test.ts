// What the soak would say of an exchange that is changed, cut short or lost, at either end or in the recording.
import { describe, expect, it } from 'vitest';

import { answerTo, type Ask } from './ask.ts';
import { judgeCall, type RecordedCall } from './compare-recording.ts';
import { Ledger, sha256, type Entry, type Meant } from './ledger.ts';
import { findFailures } from './soak.ts';

const ask: Ask = { type: 'events', seed: 5, words: 40, everyMs: 0 };
const answer = Buffer.concat(answerTo(ask));
const request = Buffer.from('{"input":[]}');
const damaged = (bytes: Buffer): Buffer => {
  const other = Buffer.from(bytes);
  other[bytes.length >> 1]! ^= 1;
  return other;
};

const entryOf = (meant: Meant): Omit<Entry, 'gotBytes' | 'isOver'> => ({
  id: 's1',
  kind: 'call',
  meant,
  isCall: true,
  decodedRequestSha256: sha256(request),
  answer: () => answer,
});

describe('an exchange', () => {
  const pass = (meant: Meant, got: Buffer, failure: string | null, received: Buffer | null = request) => {
    const ledger = new Ledger();
    const entry = ledger.begin(entryOf(meant));
    if (received !== null) ledger.received(entry.id, sha256(received));
    ledger.over(entry, request, got, failure);
    return ledger.report().problems;
  };

  it('that came as it was sent is none', () => {
    expect(pass('whole', answer, null)).toEqual([]);
    expect(pass('leftByClient', answer.subarray(0, 100), 'left')).toEqual([]);
    expect(pass('cutByProvider', answer.subarray(0, 100), 'ECONNRESET')).toEqual([]);
  });

  it('of which a bit is other, a byte too few or too many, or nothing came, is told', () => {
    expect(pass('whole', damaged(answer), null)).toEqual([expect.stringContaining('the client got other bytes')]);
    expect(pass('whole', answer.subarray(1), null)).toEqual([expect.stringContaining('the client got other bytes')]);
    expect(pass('whole', answer.subarray(0, -1), null)).toEqual([expect.stringContaining('lost 1 bytes')]);
    expect(pass('whole', Buffer.concat([answer, Buffer.of(1)]), null)).toEqual([
      expect.stringContaining('other bytes'),
    ]);
    expect(pass('leftByClient', damaged(answer), 'left')).toEqual([expect.stringContaining('other bytes')]);
    expect(pass('whole', answer, null, damaged(request))).toEqual([expect.stringContaining('got another request')]);
    expect(pass('whole', answer, null, null)).toEqual([expect.stringContaining('got no request')]);
    expect(pass('whole', answer, 'ECONNRESET')).toEqual([expect.stringContaining('ended with ECONNRESET')]);
    expect(pass('cutByProvider', answer.subarray(0, 100), null)).toEqual([expect.stringContaining('looked whole')]);
  });
});

describe('the recording of a call', () => {
  const row: RecordedCall = { id: 'call', status: 'completed', path: '/?soak=s1' };
  const judge = (
    {
      meant = 'whole',
      calls = [row],
      gotBytes = answer.length,
    }: { meant?: Meant; calls?: RecordedCall[]; gotBytes?: number } = {},
    bodies: Partial<Parameters<typeof judgeCall>[2]> = {},
  ) => judgeCall({ ...entryOf(meant), gotBytes }, calls, { request, response: answer, ...bodies })?.what ?? null;

  it('that is whole is right, and so is what came of one that was cut', () => {
    expect(judge()).toBe(null);
    const calls = [{ ...row, status: 'truncated' }];
    expect(judge({ meant: 'cutByProvider', calls, gotBytes: 90 }, { response: answer.subarray(0, 100) })).toBe(null);
  });

  it('that is not there, or not all of it, is lost', () => {
    expect(judge({ calls: [] })).toBe('lost');
    expect(judge({}, { request: null })).toBe('lost');
    expect(judge({}, { response: answer.subarray(0, -1) })).toBe('lost');
    expect(judge({}, { response: null })).toBe('lost');
    expect(judge({ calls: [{ ...row, status: 'interrupted' }] })).toBe('lost');
    expect(judge({ meant: 'leftByClient', gotBytes: 100 }, { response: answer.subarray(0, 99) })).toBe('lost');
  });

  it('that is other is changed', () => {
    expect(judge({}, { request: damaged(request) })).toBe('changed');
    expect(judge({}, { response: damaged(answer) })).toBe('changed');
    expect(judge({}, { response: Buffer.concat([answer, answer]) })).toBe('changed');
    expect(judge({ calls: [row, row] })).toBe('changed');
  });
});

describe('a soak', () => {
  const ends = { problemCount: 0, problems: [] };
  const recording = { calls: 3, bytes: 9, lost: 0, changed: 0, dropped: 0, problems: [] };
  const flat = { name: 'memory', unit: 'MB', level: 1, slopePerHour: 40, interval: [1, 2], windows: 20 } as const;

  it('fails where anything is other, lost, changed, dropped or grows, or where nothing was looked at', () => {
    expect(findFailures(ends, recording, [{ ...flat, isFlat: true }])).toEqual([]);
    for (const more of [{ lost: 1 }, { changed: 1 }, { dropped: 1 }, { calls: 0 }]) {
      expect(findFailures(ends, { ...recording, ...more }, [])).toHaveLength(1);
    }
    expect(findFailures({ problemCount: 1, problems: ['x'] }, recording, [])).toHaveLength(2);
    expect(findFailures(ends, recording, [{ ...flat, isFlat: false }])).toEqual(['memory: grows by 40.0 MB an hour']);
  });
});
