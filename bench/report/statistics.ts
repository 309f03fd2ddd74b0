// The little statistics that the benchmarks need. Pure.

/** By nearest rank: a value that was really measured. `share` is in [0, 1]. */
export function percentile(values: readonly number[], share: number): number {
  if (values.length === 0) throw new Error('there is no percentile of nothing');
  const sorted = values.toSorted((a, b) => a - b);
  return sorted[Math.max(0, Math.ceil(share * sorted.length) - 1)]!;
}

export interface Spread {
  readonly min: number;
  readonly median: number;
  readonly max: number;
}

export function spreadOf(values: readonly number[]): Spread | null {
  if (values.length === 0) return null;
  const sorted = values.toSorted((a, b) => a - b);
  const middle = sorted.length / 2;
  return {
    min: sorted[0]!,
    median: (sorted[Math.ceil(middle) - 1]! + sorted[Math.floor(middle)]!) / 2,
    max: sorted.at(-1)!,
  };
}

export interface Ratio {
  readonly mean: number;
  /** Two standard errors to either side: where it would mostly be found again. */
  readonly low: number;
  readonly high: number;
}

/** How much larger the second of each pair is than the first: what both met alike, a slow minute of the machine say, falls out. */
export function ratioOfPairs(pairs: readonly (readonly [number, number])[]): Ratio {
  if (pairs.length === 0) throw new Error('there is no ratio of nothing');
  const logs = pairs.map(([first, second]) => Math.log(second / first));
  const mean = logs.reduce((total, value) => total + value, 0) / logs.length;
  const square = logs.reduce((total, value) => total + (value - mean) ** 2, 0);
  const error = logs.length < 2 ? Infinity : Math.sqrt(square / (logs.length - 1) / logs.length);
  return { mean: Math.exp(mean), low: Math.exp(mean - 2 * error), high: Math.exp(mean + 2 * error) };
}

export interface Line {
  /** From the first value to the last, along the line of least squares. */
  readonly rise: number;
  readonly mean: number;
  /** Is the rise more than chance makes of values that scatter like these? (two standard errors) */
  readonly isCertain: boolean;
}

/** The line through values at equal distances. */
export function fitLine(values: readonly number[]): Line {
  const count = values.length;
  const mean = values.reduce((total, value) => total + value, 0) / count;
  const middle = (count - 1) / 2;
  let along = 0;
  let square = 0;
  for (const [at, value] of values.entries()) {
    along += (at - middle) * (value - mean);
    square += (at - middle) ** 2;
  }
  if (square === 0) return { rise: 0, mean, isCertain: false };
  const slope = along / square;
  const residual = values.reduce((total, value, at) => total + (value - mean - slope * (at - middle)) ** 2, 0);
  const error = count > 2 ? Math.sqrt(residual / (count - 2) / square) : Infinity;
  return { rise: slope * (count - 1), mean, isCertain: Math.abs(slope) > 2 * error };
}
