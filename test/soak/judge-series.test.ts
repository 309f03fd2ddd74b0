// The judge of the soak can fail: series that leak and series that do not, made up, with the noise that a heap has.
import { describe, expect, it } from 'vitest';

import { randomInt, seededRandom } from '../support/chunks.ts';
import { judgeSeries, type Point, type SeriesRule } from './judge-series.ts';

const rule: SeriesRule = { name: 'memory', unit: 'MB', of: 'floor', allowedShare: 0.02 };

/** Every two seconds, for so many minutes. */
const series = (minutes: number, value: (at: number) => number): Point[] =>
  Array.from({ length: minutes * 30 }, (_, number) => ({ at: number * 2, value: value(number * 2) }));

/** A heap between two collections: it climbs by up to 40 MB, and falls. */
const sawtooth = (seed: number): ((at: number) => number) => {
  const random = seededRandom(seed);
  return (at) => ((at % 14) / 14) * 40 + randomInt(random, 0, 8);
};

describe('a series', () => {
  it.each([1, 2, 3, 4, 5])('that goes up and down and stays where it is is flat (seed %i)', (seed) => {
    const tooth = sawtooth(seed);
    const verdict = judgeSeries(
      series(10, (at) => 150 + tooth(at)),
      200,
      rule,
    );
    expect(verdict.isFlat).toBe(true);
    expect(verdict.level).toBeGreaterThan(149);
    expect(verdict.level).toBeLessThan(165);
  });

  it.each([
    [120, 10],
    [12, 60],
  ])('that leaks %i MB an hour under the same noise is not, in %i minutes', (leak, minutes) => {
    const tooth = sawtooth(7);
    const verdict = judgeSeries(
      series(minutes, (at) => 150 + tooth(at) + (leak * at) / 3600),
      200,
      rule,
    );
    expect(verdict.isFlat).toBe(false);
    expect(verdict.slopePerHour).toBeGreaterThan(leak * 0.5);
    expect(verdict.slopePerHour).toBeLessThan(leak * 1.5);
  });

  it('that grows while it warms up is judged from there on', () => {
    const tooth = sawtooth(3);
    const warm = series(10, (at) => Math.min(at, 200) + tooth(at));
    expect(judgeSeries(warm, 200, rule).isFlat).toBe(true);
    expect(judgeSeries(warm.slice(0, 110), 0, rule).isFlat).toBe(false);
  });

  it('of descriptors that gains one every two minutes is not flat, however many come and go', () => {
    const random = seededRandom(1);
    const points = series(10, (at) => 90 + Math.floor(at / 120) + randomInt(random, -1, 1));
    const descriptors: SeriesRule = { name: 'descriptors', unit: '', of: 'middle', allowedShare: 0.02 };
    expect(judgeSeries(points, 200, descriptors).isFlat).toBe(false);
  });

  it('that falls is no leak, one that stands still is flat, and one that is too short is not judged', () => {
    expect(
      judgeSeries(
        series(10, (at) => 200 - at / 60),
        0,
        rule,
      ).isFlat,
    ).toBe(true);
    expect(
      judgeSeries(
        series(10, () => 12),
        0,
        rule,
      ),
    ).toMatchObject({ isFlat: true, interval: [0, 0] });
    expect(
      judgeSeries(
        series(2, (at) => at),
        0,
        rule,
      ).isFlat,
    ).toBe(null);
  });
});
