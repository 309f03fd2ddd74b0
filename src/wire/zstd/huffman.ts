// Huffman-coded literals (RFC 8878, 4.2): the tree from its weights, and streams decoded with one table look-up a byte.
import { BackwardBits, ZstdFault } from './bits.ts';
import { readFseTable } from './fse.ts';

/** By the next `maxBits` bits: the symbol, and how many of them it takes. */
export interface HuffmanTable {
  readonly maxBits: number;
  readonly symbols: Uint8Array;
  readonly bitCounts: Uint8Array;
}

const longestCode = 11;

export function readHuffmanTable(
  bytes: Uint8Array,
  start: number,
  end: number,
): { readonly table: HuffmanTable; readonly next: number } {
  const header = bytes[start]!;
  const first = start + 1;
  const next = first + (header < 128 ? header : (header - 126) >>> 1);
  if (start >= end || next > end) throw new ZstdFault('a Huffman tree is cut short');
  const weights = header < 128 ? readFseWeights(bytes, first, next) : readPlainWeights(bytes, first, header - 127);
  return { table: buildHuffmanTable(weights), next };
}

/** Decodes `count` symbols from one stream into `out` at `at`. The stream must end exactly with the last of them. */
export function decodeHuffman(
  table: HuffmanTable,
  bytes: Uint8Array,
  start: number,
  end: number,
  out: Uint8Array,
  at: number,
  count: number,
): void {
  const { maxBits, symbols, bitCounts } = table;
  const last = end > start ? bytes[end - 1]! : 0;
  if (last === 0) throw new ZstdFault('a literal stream has no end mark');
  let left = (end - start) * 8 - (Math.clz32(last) - 24) - 1;
  const mask = (1 << maxBits) - 1;
  for (let index = at; index < at + count; index += 1) {
    const position = left - maxBits;
    let code: number;
    if (position >= 0) {
      const byte = start + (position >>> 3);
      code =
        ((bytes[byte]! | ((bytes[byte + 1] ?? 0) << 8) | ((bytes[byte + 2] ?? 0) << 16)) >>> (position & 7)) & mask;
    } else {
      // Fewer bits are left than the longest code has: zeros follow.
      const tail = bytes[start]! | ((bytes[start + 1] ?? 0) << 8);
      code = left > 0 ? ((tail & ((1 << left) - 1)) << -position) & mask : 0;
    }
    out[index] = symbols[code]!;
    left -= bitCounts[code]!;
    if (left < 0) throw new ZstdFault('a literal stream is too short');
  }
  if (left !== 0) throw new ZstdFault('a literal stream is too long');
}

function readPlainWeights(bytes: Uint8Array, start: number, count: number): number[] {
  return Array.from({ length: count }, (_, index) => {
    const byte = bytes[start + (index >>> 1)]!;
    return index % 2 === 0 ? byte >>> 4 : byte & 15;
  });
}

/** Two states take turns; the one that runs out of bits leaves the last word to the other. */
function readFseWeights(bytes: Uint8Array, start: number, end: number): number[] {
  const { table, next } = readFseTable(bytes, start, end, { maxAccuracyLog: 6, maxSymbol: 255 });
  const bits = new BackwardBits(bytes, next, end);
  const states: [number, number] = [bits.read(table.accuracyLog), bits.read(table.accuracyLog)];
  if (bits.bitsLeft < 0) throw new ZstdFault('Huffman weights are cut short');
  const weights: number[] = [];
  for (let turn: 0 | 1 = 0; weights.length < 255; turn = turn === 0 ? 1 : 0) {
    const state = states[turn];
    weights.push(table.symbols[state]!);
    states[turn] = table.baselines[state]! + bits.read(table.bitCounts[state]!);
    if (bits.bitsLeft < 0) {
      weights.push(table.symbols[states[turn === 0 ? 1 : 0]]!);
      return weights;
    }
  }
  throw new ZstdFault('there are too many Huffman weights');
}

function buildHuffmanTable(weights: readonly number[]): HuffmanTable {
  let sum = 0;
  for (const weight of weights) {
    if (weight > longestCode + 1) throw new ZstdFault('a Huffman weight is too large');
    if (weight > 0) sum += 1 << (weight - 1);
  }
  if (sum === 0 || weights.length > 255) throw new ZstdFault('a Huffman tree has no symbols, or too many');
  const maxBits = 32 - Math.clz32(sum);
  const left = (1 << maxBits) - sum;
  // The last weight is not sent: it is what fills the tree.
  if (maxBits > longestCode || (left & (left - 1)) !== 0) throw new ZstdFault('a Huffman tree does not add up');
  const all = [...weights, 32 - Math.clz32(left)];
  const symbols = new Uint8Array(1 << maxBits);
  const bitCounts = new Uint8Array(1 << maxBits);
  // Where the symbols of a weight begin: the lighter ones, which have the longer codes, come first.
  const starts = new Uint16Array(maxBits + 2);
  for (let index = 0; index < all.length; index += 1) {
    const weight = all[index]!;
    if (weight > 0) starts[weight + 1]! += 1 << (weight - 1);
  }
  for (let weight = 2; weight < starts.length; weight += 1) starts[weight]! += starts[weight - 1]!;
  for (let symbol = 0; symbol < all.length; symbol += 1) {
    const weight = all[symbol]!;
    if (weight === 0) continue;
    const start = starts[weight]!;
    const end = start + (1 << (weight - 1));
    starts[weight] = end;
    for (let code = start; code < end; code += 1) {
      symbols[code] = symbol;
      bitCounts[code] = maxBits + 1 - weight;
    }
  }
  return { maxBits, symbols, bitCounts };
}
