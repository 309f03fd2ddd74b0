import { describe, expect, it } from 'vitest';

import type { Usage } from '../domain/index.ts';
import { noUsage } from '../domain/index.ts';
import { makePriceList } from './cost.ts';
import { sumStats } from './stats.ts';
import type { CallGroup, StatsView } from './stats.ts';

const usage = (inputTokens: number, cachedInputTokens = 0, outputTokens = 0): Usage => ({
  ...noUsage,
  inputTokens,
  cachedInputTokens,
  outputTokens,
  totalTokens: inputTokens + outputTokens,
});

const group = (changes: Partial<CallGroup> = {}): CallGroup => ({
  sessionId: 's1',
  startedAt: '2026-11-23T12:00:00.000Z',
  model: 'mine',
  kind: 'turn',
  status: 'completed',
  callInputTokens: 0,
  calls: 1,
  reported: 1,
  usage: usage(100, 40, 10),
  ttftMs: [500],
  timedOutputTokens: 10,
  timedMs: 1000,
  ...changes,
});

const view: StatsView = {
  prices: makePriceList([
    { model: 'mine', inputUsd: 1, cachedInputUsd: 0, outputUsd: 2, source: 'x', dated: '2026-01-01' },
  ]),
  dayOf: (iso) => iso.slice(0, 10),
  backgroundSessions: new Set(),
  limit: 10,
};

describe('stats', () => {
  it('of nothing are zeroes and nulls', () => {
    expect(sumStats([], view)).toEqual({
      calls: 0,
      sessions: 0,
      usage: noUsage,
      cachedShare: null,
      costUsd: null,
      knownCostUsd: 0,
      unpricedModels: [],
      ttftMs: null,
      outputTokensPerSecond: null,
      byModel: [],
      byDay: [],
      byKind: [],
      bySession: [],
      statuses: {},
    });
  });

  it('give times that calls really took: median and the ninth of ten', () => {
    const one = sumStats([group({ ttftMs: [10, 9, 8, 7, 6, 5, 4, 3, 2] }), group({ ttftMs: [1] })], view);
    expect(one.ttftMs).toEqual({ median: 5, p90: 9 });
    expect(sumStats([group({ ttftMs: [7] })], view).ttftMs).toEqual({ median: 7, p90: 7 });
  });

  it('take no times from prewarms and titles, but their tokens', () => {
    const sums = sumStats(
      [
        group(),
        group({ kind: 'prewarm', ttftMs: [1], timedMs: 1 }),
        group({ kind: 'title', ttftMs: [1], timedMs: 1, sessionId: 's2' }),
      ],
      { ...view, backgroundSessions: new Set(['s2']) },
    );
    expect(sums).toMatchObject({
      calls: 3,
      sessions: 1,
      usage: { inputTokens: 300 },
      ttftMs: { median: 500 },
      outputTokensPerSecond: 10,
      cachedShare: 0.4,
    });
    expect(sums.byKind.map(({ kind, calls }) => [kind, calls])).toEqual([
      ['turn', 1],
      ['prewarm', 1],
      ['title', 1],
    ]);
    expect(sums.bySession.map(({ sessionId }) => sessionId)).toEqual(['s1']);
  });

  it('begin with what used most tokens, days in their order, and only as many as asked for', () => {
    const groups = [1, 3, 2].map((size) =>
      group({ sessionId: `s${size}`, usage: usage(size), startedAt: `2026-11-0${size}T00:00:00.000Z` }),
    );
    const sums = sumStats(groups, { ...view, limit: 2 });
    expect(sums.bySession.map(({ sessionId }) => sessionId)).toEqual(['s3', 's2']);
    expect(sums.byDay.map(({ day }) => day)).toEqual(['2026-11-02', '2026-11-03']);
    expect(sums.sessions).toBe(3);
  });

  it('name what has no price beside what is known, and ask no price of calls without usage', () => {
    const sums = sumStats(
      [group(), group({ model: 'new' }), group({ model: 'failed', reported: 0, usage: noUsage })],
      view,
    );
    expect(sums).toMatchObject({ costUsd: null, knownCostUsd: 0.00008, unpricedModels: ['new'] });
    expect(sums.byModel.map(({ model, costUsd }) => [model, costUsd])).toEqual([
      ['mine', 0.00008],
      ['new', null],
      ['failed', null],
    ]);
  });
});
