// Which items of two requests are the same to a reader: equal ids or equal normalised content, in order. Exact bytes are another
// question (prefix.ts).
import type { Item } from '../domain/index.ts';

/** A row of the comparison; null: not there. `isSame`: on both sides with the same content. */
export interface AlignedItems {
  readonly before: number | null;
  readonly after: number | null;
  readonly isSame: boolean;
}

// Beyond this, a table of all pairs would take too long: what is between equal beginnings and ends is then matched in one pass.
const tableLimit = 4_000_000;

export function alignItems(before: readonly Item[], after: readonly Item[]): AlignedItems[] {
  let start = 0;
  while (start < before.length && start < after.length && matches(before[start], after[start])) start += 1;
  let tail = 0;
  while (
    tail < before.length - start &&
    tail < after.length - start &&
    matches(before[before.length - 1 - tail], after[after.length - 1 - tail])
  ) {
    tail += 1;
  }
  const pairs: (readonly [number, number])[] = [];
  for (let at = 0; at < start; at += 1) pairs.push([at, at]);
  const middle = [before.slice(start, before.length - tail), after.slice(start, after.length - tail)] as const;
  for (const [left, right] of matchMiddle(...middle)) pairs.push([start + left, start + right]);
  for (let at = tail; at > 0; at -= 1) pairs.push([before.length - at, after.length - at]);
  return fillGaps(before, after, pairs);
}

function matches(a: Item | undefined, b: Item | undefined): boolean {
  if (a === undefined || b === undefined) return false;
  return a.hash === b.hash || (a.id !== undefined && a.id === b.id);
}

/** The longest common subsequence. */
function matchMiddle(before: readonly Item[], after: readonly Item[]): (readonly [number, number])[] {
  if (before.length * after.length > tableLimit) return matchInOnePass(before, after);
  const width = after.length + 1;
  const lengths = new Uint32Array((before.length + 1) * width);
  const lengthAt = (left: number, right: number): number => lengths[left * width + right] ?? 0;
  for (let left = before.length - 1; left >= 0; left -= 1) {
    for (let right = after.length - 1; right >= 0; right -= 1) {
      lengths[left * width + right] = matches(before[left], after[right])
        ? lengthAt(left + 1, right + 1) + 1
        : Math.max(lengthAt(left + 1, right), lengthAt(left, right + 1));
    }
  }
  const pairs: (readonly [number, number])[] = [];
  let [left, right] = [0, 0];
  while (left < before.length && right < after.length) {
    if (matches(before[left], after[right])) pairs.push([left++, right++]);
    else if (lengthAt(left + 1, right) >= lengthAt(left, right + 1)) left += 1;
    else right += 1;
  }
  return pairs;
}

function matchInOnePass(before: readonly Item[], after: readonly Item[]): (readonly [number, number])[] {
  const places = new Map<string, number[]>();
  before.forEach((item, at) => {
    for (const key of [item.hash, item.id ?? item.hash]) places.set(key, [...(places.get(key) ?? []), at]);
  });
  const pairs: (readonly [number, number])[] = [];
  let next = 0;
  after.forEach((item, at) => {
    const found = [...(places.get(item.hash) ?? []), ...(places.get(item.id ?? '') ?? [])].filter(
      (left) => left >= next,
    );
    if (found.length === 0) return;
    const left = Math.min(...found);
    pairs.push([left, at]);
    next = left + 1;
  });
  return pairs;
}

/** Between matches: what stands in the other's place is a change, the rest was removed or added. */
function fillGaps(
  before: readonly Item[],
  after: readonly Item[],
  pairs: readonly (readonly [number, number])[],
): AlignedItems[] {
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
