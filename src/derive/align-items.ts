// Which items of two requests are the same to a reader: equal ids or equal normalised content, in order. Exact bytes are another
// question (prefix.ts).
import type { Item } from '../domain/index.ts';
import type { Pair } from './match-sequences.ts';
import { matchSequences } from './match-sequences.ts';

/** A row of the comparison; null: not there. `isSame`: on both sides with the same content. */
export interface AlignedItems {
  readonly before: number | null;
  readonly after: number | null;
  readonly isSame: boolean;
}

export function alignItems(before: readonly Item[], after: readonly Item[]): AlignedItems[] {
  const pairs = matchSequences(
    before.length,
    after.length,
    (left, right) => matches(before[left], after[right]),
    (from, left, right) =>
      matchInOnePass(before.slice(from, left), after.slice(from, right)).map(([a, b]) => [from + a, from + b]),
  );
  return fillGaps(before, after, pairs);
}

function matches(a: Item | undefined, b: Item | undefined): boolean {
  if (a === undefined || b === undefined) return false;
  return a.hash === b.hash || (a.id !== undefined && a.id === b.id);
}

/** For very many: each item with the next one that is the same. */
function matchInOnePass(before: readonly Item[], after: readonly Item[]): Pair[] {
  const places = new Map<string, number[]>();
  const note = (key: string, at: number): void => {
    const known = places.get(key);
    if (known === undefined) places.set(key, [at]);
    else known.push(at);
  };
  before.forEach((item, at) => {
    note(item.hash, at);
    if (item.id !== undefined) note(item.id, at);
  });
  const pairs: Pair[] = [];
  let next = 0;
  after.forEach((item, at) => {
    const found = [item.hash, item.id ?? ''].flatMap((key) => places.get(key)?.find((left) => left >= next) ?? []);
    if (found.length === 0) return;
    const left = Math.min(...found);
    pairs.push([left, at]);
    next = left + 1;
  });
  return pairs;
}

/** Between matches: what stands in the other's place is a change, the rest was removed or added. */
function fillGaps(before: readonly Item[], after: readonly Item[], pairs: readonly Pair[]): AlignedItems[] {
  const rows: AlignedItems[] = [];
  let [left, right] = [0, 0];
  for (const [nextLeft, nextRight] of [...pairs, [before.length, after.length] as const]) {
    while (left < nextLeft || right < nextRight) {
      const [mine, theirs] = [before[left], after[right]];
      if (left < nextLeft && right < nextRight && mine !== undefined && theirs !== undefined) {
        if (isReplaced(mine, theirs)) rows.push({ before: left++, after: right++, isSame: false });
        else rows.push({ before: left++, after: null, isSame: false });
      } else if (left < nextLeft) rows.push({ before: left++, after: null, isSame: false });
      else rows.push({ before: null, after: right++, isSame: false });
    }
    if (nextLeft === before.length && nextRight === after.length) break;
    rows.push({ before: left, after: right, isSame: before[left]?.hash === after[right]?.hash });
    left += 1;
    right += 1;
  }
  return rows;
}

/** Items with ids of their own are two items, however alike. */
function isReplaced(a: Item, b: Item): boolean {
  if (a.id !== undefined && b.id !== undefined) return false;
  return a.type === b.type && a.role === b.role && a.callId === b.callId;
}
