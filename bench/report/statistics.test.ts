import { describe, expect, it } from 'vitest';

import { seededRandom } from '../../test/support/chunks.ts';
import { fitLine, percentile, ratioOfPairs, spreadOf } from './statistics.ts';

describe('percentile', () => {
  it.each([
    [[1], 0.5, 1],
    [[1], 0.99, 1],
    [[4, 1, 3, 2], 0.5, 2],
    [[4, 1, 3, 2], 0, 1],
    [[4, 1, 3, 2], 1, 4],
    [Array.from({ length: 100 }, (_, at) => at + 1), 0.99, 99],
    [Array.from({ length: 101 }, (_, at) => at + 1), 0.99, 100],
  ])('of %j at %d is %d', (values, share, expected) => {
    expect(percentile(values, share)).toBe(expected);
  });

  it('is none of nothing', () => {
    expect(() => percentile([], 0.5)).toThrow('nothing');
  });
});

describe('spreadOf', () => {
  it('tells the least, the middle and the most, of an even number the mean of the middle two', () => {
    expect(spreadOf([3, 1, 2])).toEqual({ min: 1, median: 2, max: 3 });
    expect(spreadOf([4, 1, 2, 3])).toEqual({ min: 1, median: 2.5, max: 4 });
    expect(spreadOf([])).toBeNull();
  });
});

describe('fitLine', () => {
  it('finds a line again', () => {
    const { rise, mean, isCertain } = fitLine([10, 12, 14, 16, 18]);
    expect(rise).toBeCloseTo(8);
    expect(mean).toBeCloseTo(14);
    expect(isCertain).toBe(true);
  });

  it('is not certain of what scatters, and is of what rises through the scatter', () => {
    const random = seededRandom(7);
    const noise = Array.from({ length: 20 }, () => 100 + random());
    expect(fitLine(noise).isCertain).toBe(false);
    expect(fitLine(noise.map((value, at) => value + at * 0.2)).isCertain).toBe(true);
  });

  it('sees no rise in one value, and is certain of nothing with two', () => {
    expect(fitLine([5])).toEqual({ rise: 0, mean: 5, isCertain: false });
    expect(fitLine([5, 9]).isCertain).toBe(false);
  });
});

describe('ratioOfPairs', () => {
  it('finds a ratio that slow minutes of the machine would hide', () => {
    const random = seededRandom(5);
    const pairs = Array.from({ length: 24 }, () => {
      const slow = 1 + 2 * random();
      return [100 * slow * (0.98 + 0.04 * random()), 112 * slow * (0.98 + 0.04 * random())] as const;
    });
    const { mean, low, high } = ratioOfPairs(pairs);
    expect(mean).toBeCloseTo(1.12, 1);
    expect(low).toBeGreaterThan(1.1);
    expect(high).toBeLessThan(1.14);
  });

  it('says nothing certain from one pair, and is none of nothing', () => {
    expect(ratioOfPairs([[1, 2]])).toEqual({ mean: 2, low: 0, high: Infinity });
    expect(() => ratioOfPairs([])).toThrow('nothing');
  });
});
