import { describe, expect, it } from 'vitest';

import type { Limit, Row } from '../figures/figure.ts';
import { describeLimit, judge, ratioTo, valuesOf, type Sample } from './results.ts';

const row = (more: Partial<Row> = {}): Row => ({
  key: 'k',
  label: 'a figure',
  unit: 'ms',
  digits: 1,
  better: 'lower',
  ...more,
});
const results = (values: Readonly<Record<string, readonly number[]>>): { samples: Sample[] } => ({
  samples: Object.entries(values).flatMap(([peer, list]) =>
    list.map((value, round) => ({ round, peer, figure: 'f', values: { k: value } })),
  ),
});

describe('valuesOf', () => {
  it('takes away what the same round took without a proxy', () => {
    const measured = results({ direct: [1, 2], tapes: [5, 9] });
    expect(valuesOf(measured, row({ isAdded: true }), 'tapes')).toEqual([4, 7]);
    expect(valuesOf(measured, row({ isAdded: true }), 'direct')).toEqual([]);
    expect(valuesOf(measured, row(), 'tapes')).toEqual([5, 9]);
  });

  it('leaves out what failed, and a round without its counterpart', () => {
    const { samples } = results({ direct: [1], tapes: [5, 9] });
    const failed: Sample = { round: 2, peer: 'tapes', figure: 'f', values: null, failure: 'no answer' };
    expect(valuesOf({ samples: [...samples, failed] }, row({ isAdded: true }), 'tapes')).toEqual([4]);
  });
});

describe('ratioTo', () => {
  it('divides medians, and not by nothing', () => {
    const measured = results({ tapes: [1, 3, 100], mockttp: [6], relay: [0] });
    expect(ratioTo(measured, row(), 'mockttp')).toBe(0.5);
    expect(ratioTo(measured, row(), 'relay')).toBeNull();
    expect(ratioTo(measured, row(), 'mitmproxy')).toBeNull();
  });
});

describe('judge', () => {
  const verdict = (limits: readonly Limit[], values: Readonly<Record<string, readonly number[]>>): string | null =>
    judge(results(values), row({ limits }));
  const half: Limit = { type: 'atMostOf', peer: 'mitmproxy', factor: 0.5 };
  const least: Limit = { type: 'atLeastOf', peer: 'mockttp', factor: 0.7 };
  const below: Limit = { type: 'belowEvery', peers: ['mockttp', 'claude-tap'] };

  it.each<[readonly Limit[], Readonly<Record<string, readonly number[]>>, string]>([
    [[{ type: 'atMost', value: 3 }], { tapes: [3] }, 'met'],
    [[{ type: 'atMost', value: 3 }], { tapes: [3.1] }, 'not met'],
    [[{ type: 'atMost', value: 3 }], {}, 'unknown'],
    [[half], { tapes: [2], mitmproxy: [4] }, 'met'],
    [[half], { tapes: [2.1], mitmproxy: [4] }, 'not met'],
    [[half], { tapes: [2] }, 'unknown'],
    [[least], { tapes: [7], mockttp: [10] }, 'met'],
    [[least], { tapes: [6.9], mockttp: [10] }, 'not met'],
    [[below], { tapes: [1], mockttp: [2] }, 'met'],
    [[below], { tapes: [2], mockttp: [2] }, 'not met'],
    [[below], { tapes: [1], mockttp: [2], 'claude-tap': [0.5] }, 'not met'],
    [[below], { tapes: [1] }, 'unknown'],
    [[{ type: 'atMost', value: 3 }, half], { tapes: [2] }, 'unknown'],
    [[{ type: 'atMost', value: 1 }, half], { tapes: [2] }, 'not met'],
  ])('%j of %j: %s', (limits, values, expected) => {
    expect(verdict(limits, values)).toBe(expected);
  });

  it('says nothing of a row without a target', () => {
    expect(judge(results({ tapes: [1] }), row())).toBeNull();
  });

  it('puts each limit into words', () => {
    expect(
      [{ type: 'atMost', value: 0 } as const, half, least, below].map((limit) => describeLimit(limit, '')),
    ).toEqual(['at most 0', 'at most 0.5 of mitmproxy', 'at least 0.7 of mockttp', "below every interceptor's"]);
  });
});
