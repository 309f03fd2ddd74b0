// Finite state entropy tables (RFC 8878, 4.1): read from their description, built for decoding, and the three predefined ones.
import { ForwardBits, ZstdFault } from './bits.ts';

/** By state: the symbol, how many bits to read for the next state, and what to add to them. */
export interface FseTable {
  readonly accuracyLog: number;
  readonly symbols: Uint8Array;
  readonly bitCounts: Uint8Array;
  readonly baselines: Uint16Array;
}

export function readFseTable(
  bytes: Uint8Array,
  start: number,
  end: number,
  limits: { readonly maxAccuracyLog: number; readonly maxSymbol: number },
): { readonly table: FseTable; readonly next: number } {
  const bits = new ForwardBits(bytes, start, end);
  const accuracyLog = bits.peek(4) + 5;
  bits.skip(4);
  if (accuracyLog > limits.maxAccuracyLog) throw new ZstdFault('a table is larger than its kind may be');
  const probabilities: number[] = [];
  let remaining = (1 << accuracyLog) + 1;
  let threshold = 1 << accuracyLog;
  let bitCount = accuracyLog + 1;
  while (remaining > 1) {
    // Small values take one bit less.
    const short = 2 * threshold - 1 - remaining;
    let value = bits.peek(bitCount);
    if ((value & (threshold - 1)) < short) {
      value &= threshold - 1;
      bits.skip(bitCount - 1);
    } else {
      if (value >= threshold) value -= short;
      bits.skip(bitCount);
    }
    const probability = value - 1;
    probabilities.push(probability);
    remaining -= Math.abs(probability);
    if (probability === 0) {
      for (let repeat = 3; repeat === 3;) {
        repeat = bits.peek(2);
        bits.skip(2);
        for (let zeros = 0; zeros < repeat; zeros += 1) probabilities.push(0);
        if (probabilities.length > 256) throw new ZstdFault('a table has too many symbols');
      }
    }
    while (remaining < threshold && threshold > 1) {
      bitCount -= 1;
      threshold >>>= 1;
    }
  }
  if (remaining !== 1 || probabilities.length > limits.maxSymbol + 1) throw new ZstdFault('a table does not add up');
  return { table: buildFseTable(accuracyLog, probabilities), next: bits.nextByte };
}

function buildFseTable(accuracyLog: number, probabilities: readonly number[]): FseTable {
  const size = 1 << accuracyLog;
  const symbols = new Uint8Array(size);
  const bitCounts = new Uint8Array(size);
  const baselines = new Uint16Array(size);
  const nextStates = new Uint16Array(probabilities.length);
  let high = size - 1;
  for (const [symbol, probability] of probabilities.entries()) {
    if (probability === -1) {
      symbols[high] = symbol;
      high -= 1;
    }
    nextStates[symbol] = Math.abs(probability);
  }
  const step = (size >>> 1) + (size >>> 3) + 3;
  let position = 0;
  for (const [symbol, probability] of probabilities.entries()) {
    for (let count = 0; count < probability; count += 1) {
      symbols[position] = symbol;
      do position = (position + step) & (size - 1);
      while (position > high);
    }
  }
  if (position !== 0) throw new ZstdFault('a table does not fill its states');
  for (let state = 0; state < size; state += 1) {
    const symbol = symbols[state]!;
    const next = nextStates[symbol]!;
    nextStates[symbol] = next + 1;
    const bitCount = accuracyLog - (31 - Math.clz32(next));
    bitCounts[state] = bitCount;
    baselines[state] = (next << bitCount) - size;
  }
  return { accuracyLog, symbols, bitCounts, baselines };
}

/** A table of one symbol, which takes no bits. */
export function singleSymbolTable(symbol: number): FseTable {
  return {
    accuracyLog: 0,
    symbols: Uint8Array.of(symbol),
    bitCounts: Uint8Array.of(0),
    baselines: Uint16Array.of(0),
  };
}

const repeat = (value: number, count: number): number[] => Array.from<number>({ length: count }).fill(value);

/** RFC 8878, 3.1.1.3.2.2. */
export const predefined = {
  literalLengths: buildFseTable(6, [
    4,
    3,
    ...repeat(2, 11),
    1,
    1,
    1,
    ...repeat(2, 9),
    3,
    2,
    ...repeat(1, 5),
    ...repeat(-1, 4),
  ]),
  matchLengths: buildFseTable(6, [1, 4, 3, ...repeat(2, 6), ...repeat(1, 37), ...repeat(-1, 7)]),
  offsets: buildFseTable(5, [...repeat(1, 6), 2, 2, 2, ...repeat(1, 15), ...repeat(-1, 5)]),
} as const;
