// Sums over many calls: tokens, cost, times, by model, day, kind and session. The calls come in groups that were summed already where
// nothing is lost by it, so that a hundred thousand of them are a few thousand groups.
import type { CallKind, CallStatus, Usage } from '../domain/index.ts';
import { noUsage } from '../domain/index.ts';
import { sumCosts } from './cost.ts';
import type { Cost, PriceList } from './cost.ts';

/** Calls of one session, one stretch of time, one model, kind and status, which one price holds for. */
export interface CallGroup {
  readonly sessionId: string;
  /** When the stretch began: ISO 8601. No day, local or UTC, ends within it. */
  readonly startedAt: string;
  readonly model: string | null;
  readonly kind: CallKind;
  readonly status: CallStatus;
  /** Of any one of the calls (see PricedUsage). */
  readonly callInputTokens: number;
  readonly calls: number;
  /** How many of them reported usage, and what. */
  readonly reported: number;
  readonly usage: Usage;
  /** Request complete to first output token, of each call that has one. */
  readonly ttftMs: readonly number[];
  /** Of completed calls: output tokens, and the time from the request's end to the answer's. */
  readonly timedOutputTokens: number;
  readonly timedMs: number;
}

export interface Sums extends Cost {
  readonly calls: number;
  readonly usage: Usage;
  /** Cached of all input tokens, 0 to 1; null without input. */
  readonly cachedShare: number | null;
  readonly ttftMs: { readonly median: number; readonly p90: number } | null;
  readonly outputTokensPerSecond: number | null;
}

export interface StatsSums extends Sums {
  /** The user's own. */
  readonly sessions: number;
  readonly byModel: readonly (Sums & { readonly model: string | null })[];
  /** Ascending: the newest days. */
  readonly byDay: readonly (Sums & { readonly day: string })[];
  readonly byKind: readonly { readonly kind: CallKind; readonly calls: number; readonly usage: Usage }[];
  /** The user's own sessions that used most tokens. */
  readonly bySession: readonly (Sums & { readonly sessionId: string })[];
  readonly statuses: Readonly<Partial<Record<CallStatus, number>>>;
}

export interface StatsView {
  readonly prices: PriceList;
  /** The day of a time (ISO 8601) as the reader counts days. */
  readonly dayOf: (iso: string) => string;
  /** Sessions of the agent itself, which are not the user's: titles. */
  readonly backgroundSessions: ReadonlySet<string>;
  /** At most this many days and sessions. */
  readonly limit: number;
}

/** All lists but `byDay` begin with what used most tokens. */
export function sumStats(groups: readonly CallGroup[], view: StatsView): StatsSums {
  const { prices, dayOf, backgroundSessions, limit } = view;
  const rank = (part: readonly CallGroup[]): number =>
    part.reduce((total, group) => total + group.usage.totalTokens, 0);
  const days = [...partition(groups, ({ startedAt }) => dayOf(startedAt))].toSorted(([a], [b]) => (a < b ? -1 : 1));
  const sessions = [...partition(groups, ({ sessionId }) => sessionId)].filter(([id]) => !backgroundSessions.has(id));
  const models = [...partition(groups, ({ model }) => model)];
  const kinds = [...partition(groups, ({ kind }) => kind)];
  const byTokens = <Key>(parts: readonly [Key, CallGroup[]][]): [Key, CallGroup[]][] =>
    parts
      .map((entry) => ({ entry, tokens: rank(entry[1]) }))
      .toSorted((a, b) => b.tokens - a.tokens)
      .map(({ entry }) => entry);
  return {
    ...sum(groups, prices),
    sessions: sessions.length,
    byModel: byTokens(models).map(([model, part]) => ({ model, ...sum(part, prices) })),
    byDay: days.slice(-limit).map(([day, part]) => ({ day, ...sum(part, prices) })),
    byKind: byTokens(kinds).map(([kind, part]) => ({ kind, calls: countCalls(part), usage: sumUsage(part) })),
    bySession: byTokens(sessions)
      .slice(0, limit)
      .map(([sessionId, part]) => ({ sessionId, ...sum(part, prices) })),
    statuses: Object.fromEntries(
      [...partition(groups, ({ status }) => status)]
        .map(([status, part]): [CallStatus, number] => [status, countCalls(part)])
        .toSorted(([, a], [, b]) => b - a),
    ),
  };
}

// Whoever waits longer than ten minutes for a first token has waited ten minutes.
const longestTtftMs = 600_000;

function sum(groups: readonly CallGroup[], prices: PriceList): Sums {
  const usage = sumUsage(groups);
  // A prewarm generates nothing, and a title is a small question on the side: neither says how long one waits for an answer.
  const timed = groups.filter(({ kind }) => kind !== 'prewarm' && kind !== 'title');
  const ms = timed.reduce((total, group) => total + group.timedMs, 0);
  const tokens = timed.reduce((total, group) => total + group.timedOutputTokens, 0);
  return {
    calls: countCalls(groups),
    usage,
    cachedShare: usage.inputTokens === 0 ? null : round(usage.cachedInputTokens / usage.inputTokens, 4),
    ...sumCosts(
      prices,
      groups.filter(({ reported }) => reported > 0),
    ),
    ttftMs: quantiles(timed),
    outputTokensPerSecond: ms === 0 ? null : round((tokens / ms) * 1000, 1),
  };
}

/** By nearest rank: both are times that some call really took. Whole milliseconds are counted, for that is far faster than sorting. */
function quantiles(groups: readonly CallGroup[]): Sums['ttftMs'] {
  let [total, longest] = [0, 0];
  for (const { ttftMs } of groups) {
    total += ttftMs.length;
    for (const ms of ttftMs) if (ms > longest) longest = ms;
  }
  if (total === 0) return null;
  const last = Math.min(Math.round(longest), longestTtftMs);
  const counts = new Uint32Array(last + 1);
  for (const { ttftMs } of groups) {
    for (const ms of ttftMs) counts[Math.min(Math.round(ms), last)]!++;
  }
  const at = (share: number): number => {
    let left = Math.ceil(share * total);
    return counts.findIndex((count) => (left -= count) <= 0);
  };
  return { median: at(0.5), p90: at(0.9) };
}

function partition<Key>(groups: readonly CallGroup[], keyOf: (group: CallGroup) => Key): Map<Key, CallGroup[]> {
  const parts = new Map<Key, CallGroup[]>();
  for (const group of groups) {
    const key = keyOf(group);
    const part = parts.get(key);
    if (part === undefined) parts.set(key, [group]);
    else part.push(group);
  }
  return parts;
}

function sumUsage(groups: readonly CallGroup[]): Usage {
  const sum = { ...noUsage };
  for (const { usage } of groups) {
    sum.inputTokens += usage.inputTokens;
    sum.cachedInputTokens += usage.cachedInputTokens;
    sum.outputTokens += usage.outputTokens;
    sum.reasoningTokens += usage.reasoningTokens;
    sum.totalTokens += usage.totalTokens;
  }
  return sum;
}

const countCalls = (groups: readonly CallGroup[]): number => groups.reduce((total, { calls }) => total + calls, 0);

const round = (value: number, digits: number): number => Math.round(value * 10 ** digits) / 10 ** digits;
