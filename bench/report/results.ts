// The raw results of a run, as `bench/results/<name>.json` holds them, and what is read out of them: values of a row at a peer, ratios, targets. Pure.
import type { Limit, Row } from '../figures/figure.ts';
import { spreadOf, type Spread } from './statistics.ts';

export interface Sample {
  readonly round: number;
  readonly peer: string;
  readonly figure: string;
  /** By the keys of the rows, as measured; null: it failed. */
  readonly values: Readonly<Record<string, number>> | null;
  readonly failure?: string;
}

export interface FigureRow extends Row {
  /** Whose row it is. */
  readonly figure: string;
}

export interface PeerResult {
  readonly name: string;
  readonly label: string;
  readonly version: string;
  /** Why it was not measured; null: it was. */
  readonly absent: string | null;
}

export interface Results {
  readonly name: string;
  readonly startedAt: string;
  readonly durationMs: number;
  readonly isShort: boolean;
  readonly rounds: number;
  readonly machine: Readonly<Record<string, string>>;
  readonly peers: readonly PeerResult[];
  readonly rows: readonly FigureRow[];
  readonly samples: readonly Sample[];
  /** What a reader must know: what was lost, what was left out. */
  readonly notes: readonly string[];
}

/** The peer that the targets are for. */
export const subject = 'tapes';

/** The value of each round; of a row that counts what is added, more than without a proxy in that round. */
export function valuesOf({ samples }: Pick<Results, 'samples'>, row: Row, peer: string): number[] {
  const found = samples.filter(({ peer: name, values }) => name === peer && values?.[row.key] !== undefined);
  if (row.isAdded !== true) return found.map(({ values }) => values![row.key]!);
  if (peer === 'direct') return [];
  return found.flatMap(({ values, round }) => {
    const base = samples.find(
      (sample) => sample.peer === 'direct' && sample.round === round && sample.values?.[row.key] !== undefined,
    );
    return base === undefined ? [] : [values![row.key]! - base.values![row.key]!];
  });
}

export const spreadAt = (results: Pick<Results, 'samples'>, row: Row, peer: string): Spread | null =>
  spreadOf(valuesOf(results, row, peer));

/** The median of tapes by that of another; null where one of them is missing, or where dividing says nothing. */
export function ratioTo(results: Pick<Results, 'samples'>, row: Row, peer: string): number | null {
  const ours = spreadAt(results, row, subject);
  const theirs = spreadAt(results, row, peer);
  return ours === null || theirs === null || theirs.median <= 0 ? null : ours.median / theirs.median;
}

export type Verdict = 'met' | 'not met' | 'unknown';

/** All limits of a row together; null for a row without any. Of peers that are not there nothing is asked, but one must be. */
export function judge(results: Pick<Results, 'samples'>, row: Row): Verdict | null {
  if (row.limits === undefined) return null;
  const ours = spreadAt(results, row, subject)?.median;
  if (ours === undefined) return 'unknown';
  const verdicts = row.limits.map((limit): Verdict => {
    const bounds = boundsOf(results, row, limit);
    if (bounds.length === 0) return 'unknown';
    const isMet = bounds.every((bound) =>
      limit.type === 'atLeastOf' ? ours >= bound : limit.type === 'belowEvery' ? ours < bound : ours <= bound,
    );
    return isMet ? 'met' : 'not met';
  });
  if (verdicts.includes('not met')) return 'not met';
  return verdicts.includes('unknown') ? 'unknown' : 'met';
}

function boundsOf(results: Pick<Results, 'samples'>, row: Row, limit: Limit): number[] {
  const at = (peer: string): number[] => {
    const spread = spreadAt(results, row, peer);
    return spread === null ? [] : [spread.median];
  };
  switch (limit.type) {
    case 'atMost':
      return [limit.value];
    case 'atMostOf':
    case 'atLeastOf':
      return at(limit.peer).map((value) => value * limit.factor);
    case 'belowEvery':
      return limit.peers.flatMap(at);
  }
}

export function describeLimit(limit: Limit, unit: string): string {
  switch (limit.type) {
    case 'atMost':
      return `at most ${[limit.value, unit].join(' ').trim()}`;
    case 'atMostOf':
      return `at most ${limit.factor} of ${limit.peer}`;
    case 'atLeastOf':
      return limit.factor === 1 ? `at least ${limit.peer}'s` : `at least ${limit.factor} of ${limit.peer}`;
    case 'belowEvery':
      return "below every interceptor's";
  }
}
