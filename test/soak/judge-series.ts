// Is a series flat? Theil and Sen's slope of what is left when the highs of a sawtooth (a heap between two collections) are taken out, with the 95 %
// interval that Kendall's tau gives: neither asks how the noise is distributed, and one odd minute moves neither.

export interface Point {
  /** Seconds. */
  readonly at: number;
  readonly value: number;
}

export interface SeriesRule {
  readonly name: string;
  readonly unit: string;
  /** What of a window counts: its floor (memory that is not in use is given back now and then) or its middle. */
  readonly of: 'floor' | 'middle';
  /** Growth from the first window to the last up to this part of the level is within the noise. */
  readonly allowedShare: number;
}

export interface SeriesVerdict {
  readonly name: string;
  readonly unit: string;
  readonly level: number;
  readonly slopePerHour: number;
  /** 95 %. */
  readonly interval: readonly [number, number];
  readonly windows: number;
  /** Null: too short to tell. */
  readonly isFlat: boolean | null;
}

const windowSeconds = 20;
/** With fewer, the interval is wider than anything that could be found. */
const fewestWindows = 9;

/** `from`: when it has warmed up, seconds. */
export function judgeSeries(points: readonly Point[], from: number, rule: SeriesRule): SeriesVerdict {
  const windows = intoWindows(
    points.filter(({ at }) => at >= from),
    rule.of,
  );
  const slopes: number[] = [];
  for (const [at, first] of windows.entries()) {
    for (const second of windows.slice(at + 1)) {
      slopes.push(((second.value - first.value) / (second.at - first.at)) * 3600);
    }
  }
  slopes.sort((one, other) => one - other);
  const count = windows.length;
  const spread = 1.96 * Math.sqrt((count * (count - 1) * (2 * count + 5)) / 18);
  const low = slopes[Math.max(0, Math.floor((slopes.length - spread) / 2))] ?? 0;
  const high = slopes[Math.min(slopes.length - 1, Math.ceil((slopes.length + spread) / 2))] ?? 0;
  const level = median(windows.map(({ value }) => value));
  const hours = ((windows.at(-1)?.at ?? 0) - (windows[0]?.at ?? 0)) / 3600;
  return {
    name: rule.name,
    unit: rule.unit,
    level,
    slopePerHour: median(slopes),
    interval: [low, high],
    windows: count,
    isFlat: count < fewestWindows ? null : low * hours <= level * rule.allowedShare,
  };
}

function intoWindows(points: readonly Point[], of: 'floor' | 'middle'): Point[] {
  const windows = new Map<number, Point[]>();
  for (const point of points) {
    const number = Math.floor(point.at / windowSeconds);
    windows.set(number, [...(windows.get(number) ?? []), point]);
  }
  return [...windows.values()]
    .filter((window) => window.length > 2)
    .map((window) => {
      const values = window.map(({ value }) => value);
      const value = of === 'floor' ? Math.min(...values) : median(values);
      return { at: median(window.map(({ at }) => at)), value };
    });
}

function median(values: readonly number[]): number {
  const sorted = [...values].sort((one, other) => one - other);
  const middle = Math.floor(sorted.length / 2);
  if (sorted.length === 0) return 0;
  return sorted.length % 2 === 1 ? sorted[middle]! : (sorted[middle - 1]! + sorted[middle]!) / 2;
}
