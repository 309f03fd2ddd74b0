// The longest common subsequence of two sequences, as pairs of places. Equal beginnings and ends are cheap; what is between them
// is compared pair by pair, unless that would be too much.

export type Pair = readonly [before: number, after: number];

// So many pairs take some 20 ms and 16 MB.
const tableLimit = 4_000_000;

/** `matchMany` has the ranges [from, before) and [from, after) where a table would be too large; without it, they match nowhere. */
export function matchSequences(
  before: number,
  after: number,
  isEqual: (before: number, after: number) => boolean,
  matchMany: (from: number, before: number, after: number) => readonly Pair[] = () => [],
): Pair[] {
  const pairs: Pair[] = [];
  let start = 0;
  while (start < before && start < after && isEqual(start, start)) {
    pairs.push([start, start]);
    start += 1;
  }
  let tail = 0;
  while (tail < before - start && tail < after - start && isEqual(before - 1 - tail, after - 1 - tail)) tail += 1;
  const [left, right] = [before - tail, after - tail];
  const isTooMany = (left - start) * (right - start) > tableLimit;
  pairs.push(...(isTooMany ? matchMany(start, left, right) : matchByTable(start, left, right, isEqual)));
  for (let at = tail; at > 0; at -= 1) pairs.push([before - at, after - at]);
  return pairs;
}

function matchByTable(
  from: number,
  before: number,
  after: number,
  isEqual: (before: number, after: number) => boolean,
): Pair[] {
  const width = after - from + 1;
  const lengths = new Uint32Array((before - from + 1) * width);
  const lengthAt = (left: number, right: number): number => lengths[(left - from) * width + right - from] ?? 0;
  for (let left = before - 1; left >= from; left -= 1) {
    for (let right = after - 1; right >= from; right -= 1) {
      lengths[(left - from) * width + right - from] = isEqual(left, right)
        ? lengthAt(left + 1, right + 1) + 1
        : Math.max(lengthAt(left + 1, right), lengthAt(left, right + 1));
    }
  }
  const pairs: Pair[] = [];
  let [left, right] = [from, from];
  while (left < before && right < after) {
    if (isEqual(left, right)) pairs.push([left++, right++]);
    else if (lengthAt(left + 1, right) >= lengthAt(left, right + 1)) left += 1;
    else right += 1;
  }
  return pairs;
}
