// One compressed block (RFC 8878, 3.1.1.3): literals, then sequences that copy them and earlier output.
// Tables and repeated offsets live on from block to block within a frame.
import { BackwardBits, bitsAt, WindowFault, ZstdFault } from './bits.ts';
import { predefined, readFseTable, singleSymbolTable } from './fse.ts';
import type { FseTable } from './fse.ts';
import { decodeHuffman, readHuffmanTable } from './huffman.ts';
import type { HuffmanTable } from './huffman.ts';

export const maxBlockBytes = 128 * 1024;

/** What a block's bytes are appended to; the frame keeps the window in it. */
export interface History {
  /** Has room for one more block behind `length`. */
  bytes: Uint8Array;
  length: number;
  windowBytes: number;
  /** How many bytes of this frame lie before `length`. */
  reach(): number;
}

interface Literals {
  readonly bytes: Uint8Array;
  readonly start: number;
  readonly end: number;
}

// Baselines and extra bits by code (RFC 8878, tables 16 and 17).
const literalBases = [...count(16), 16, 18, 20, 22, 24, 28, 32, 40, 48, 64, ...powers(7, 16)];
const literalBits = [...zeros(16), 1, 1, 1, 1, 2, 2, 3, 3, 4, 6, ...count(10).map((n) => n + 7)];
const matchBases = [
  ...count(32).map((n) => n + 3),
  35,
  37,
  39,
  41,
  43,
  47,
  51,
  59,
  67,
  83,
  99,
  ...powers(7, 16).map((n) => n + 3),
];
const matchBits = [...zeros(32), 1, 1, 1, 1, 2, 2, 3, 3, 4, 4, 5, ...count(10).map((n) => n + 7)];

const literalLengthBases = Int32Array.from(literalBases);
const literalLengthBits = Uint8Array.from(literalBits);
const matchLengthBases = Int32Array.from(matchBases);
const matchLengthBits = Uint8Array.from(matchBits);

/** The decoder of one frame's compressed blocks. */
export class BlockDecoder {
  /** As large as the literals of one block were so far: most bodies are small. */
  #literals = new Uint8Array(0);
  #huffman: HuffmanTable | null = null;
  #literalLengths: FseTable | null = null;
  #offsets: FseTable | null = null;
  #matchLengths: FseTable | null = null;
  #repeats: readonly [number, number, number] = [1, 4, 8];

  /** Appends the block in `bytes[start, end)` to the history. `maxBytes` is the most that a block of this frame may hold. */
  decode(bytes: Uint8Array, start: number, end: number, history: History, maxBytes: number): void {
    const { literals, next } = this.#readLiterals(bytes, start, end, maxBytes);
    this.#readSequences(bytes, next, end, literals, history, maxBytes);
  }

  #readLiterals(
    bytes: Uint8Array,
    start: number,
    end: number,
    maxBytes: number,
  ): { readonly literals: Literals; readonly next: number } {
    if (start >= end) throw new ZstdFault('a block is empty');
    const first = bytes[start]!;
    const type = first & 3;
    const format = (first >>> 2) & 3;
    if (type < 2) {
      const headerBytes = format === 1 ? 2 : format === 3 ? 3 : 1;
      const size = readLittle(bytes, start, headerBytes, end) >>> (headerBytes === 1 ? 3 : 4);
      const from = start + headerBytes;
      if (size > maxBytes) throw new ZstdFault('literals are larger than a block');
      const next = from + (type === 0 ? size : 1);
      if (next > end) throw new ZstdFault('literals are cut short');
      if (type === 0) return { literals: { bytes, start: from, end: next }, next };
      this.#literalRoom(size).fill(bytes[from]!, 0, size);
      return { literals: { bytes: this.#literals, start: 0, end: size }, next };
    }
    const headerBytes = format < 2 ? 3 : format + 2;
    const sizeBits = format < 2 ? 10 : format === 2 ? 14 : 18;
    const header = Math.floor(readLittle(bytes, start, headerBytes, end) / 16);
    const size = header % 2 ** sizeBits;
    const next = start + headerBytes + Math.floor(header / 2 ** sizeBits);
    if (size > maxBytes || next > end) throw new ZstdFault('literals are cut short, or larger than a block');
    let from = start + headerBytes;
    if (type === 2) {
      const read = readHuffmanTable(bytes, from, next);
      this.#huffman = read.table;
      from = read.next;
    }
    this.#literalRoom(size);
    if (this.#huffman === null) throw new ZstdFault('a Huffman tree is repeated that was never sent');
    if (format === 0) decodeHuffman(this.#huffman, bytes, from, next, this.#literals, 0, size);
    else this.#decodeFourStreams(this.#huffman, bytes, from, next, size);
    return { literals: { bytes: this.#literals, start: 0, end: size }, next };
  }

  #literalRoom(size: number): Uint8Array {
    if (this.#literals.length < size) this.#literals = new Uint8Array(Math.min(maxBlockBytes, 2 * size));
    return this.#literals;
  }

  #decodeFourStreams(table: HuffmanTable, bytes: Uint8Array, start: number, end: number, size: number): void {
    const part = (size + 3) >>> 2;
    let from = start + 6;
    if (from > end || part * 3 > size) throw new ZstdFault('literal streams are cut short');
    for (let stream = 0; stream < 4; stream += 1) {
      const to = stream === 3 ? end : from + readLittle(bytes, start + stream * 2, 2, end);
      if (to > end) throw new ZstdFault('literal streams are cut short');
      const at = stream * part;
      decodeHuffman(table, bytes, from, to, this.#literals, at, stream === 3 ? size - at : part);
      from = to;
    }
  }

  #readSequences(
    bytes: Uint8Array,
    start: number,
    end: number,
    literals: Literals,
    history: History,
    maxBytes: number,
  ): void {
    const { sequenceCount, next } = readSequenceCount(bytes, start, end);
    let literalAt = literals.start;
    const limit = history.length + maxBytes;
    if (sequenceCount > 0) {
      const modes = bytes[next] ?? 0;
      if (next >= end || (modes & 3) !== 0) throw new ZstdFault('the sequences header is malformed');
      let at = next + 1;
      const table = (mode: number, kind: TableKind, last: FseTable | null): FseTable => {
        const read = readSequenceTable(bytes, at, end, mode & 3, kind, last);
        at = read.next;
        return read.table;
      };
      const literalLengths = (this.#literalLengths = table(modes >>> 6, kinds.literalLengths, this.#literalLengths));
      const offsets = (this.#offsets = table(modes >>> 4, kinds.offsets, this.#offsets));
      const matchLengths = (this.#matchLengths = table(modes >>> 2, kinds.matchLengths, this.#matchLengths));
      const bits = new BackwardBits(bytes, at, end);
      literalAt = this.#copySequences(
        bytes,
        bits,
        { literalLengths, offsets, matchLengths },
        sequenceCount,
        literals,
        history,
        limit,
      );
    } else if (next !== end) throw new ZstdFault('bytes follow a block without sequences');
    if (history.length + literals.end - literalAt > limit) throw new ZstdFault('a block is too large');
    copyBytes(literals.bytes, literalAt, history.bytes, history.length, literals.end - literalAt);
    history.length += literals.end - literalAt;
  }

  /** The hot loop: some 8000 turns for a request of 70 kB, so all that it needs is in variables. Gives where the unused literals begin. */
  #copySequences(
    bytes: Uint8Array,
    bits: BackwardBits,
    { literalLengths, offsets, matchLengths }: SequenceTables,
    sequenceCount: number,
    literals: Literals,
    history: History,
    limit: number,
  ): number {
    const { bytes: out, windowBytes } = history;
    const { bytes: source, end: literalsEnd } = literals;
    const start = history.length;
    const outStart = start - history.reach();
    const firstBit = bits.firstBit;
    let length = start;
    let literalAt = literals.start;
    let literalState = bits.read(literalLengths.accuracyLog);
    let offsetState = bits.read(offsets.accuracyLog);
    let matchState = bits.read(matchLengths.accuracyLog);
    let position = bits.position;
    let [first, second, third] = this.#repeats;
    for (let left = sequenceCount; left > 0; left -= 1) {
      const offsetCode = offsets.symbols[offsetState]!;
      const matchCode = matchLengths.symbols[matchState]!;
      const literalCode = literalLengths.symbols[literalState]!;
      const matchExtra = matchLengthBits[matchCode]!;
      const literalExtra = literalLengthBits[literalCode]!;

      // Farther back than any window that is kept; and so all numbers here are small ones.
      if (offsetCode > maxOffsetCode) throw new WindowFault(behindWindow);
      position -= offsetCode;
      if (position - matchExtra - literalExtra < firstBit) throw new ZstdFault(bitsMissing);
      const value = (1 << offsetCode) + bitsAt(bytes, position, offsetCode);
      position -= matchExtra;
      const matchLength = matchLengthBases[matchCode]! + bitsAt(bytes, position, matchExtra);
      position -= literalExtra;
      const literalLength = literalLengthBases[literalCode]! + bitsAt(bytes, position, literalExtra);
      if (left > 1) {
        const literalBits = literalLengths.bitCounts[literalState]!;
        const matchBits = matchLengths.bitCounts[matchState]!;
        const offsetBits = offsets.bitCounts[offsetState]!;
        if (position - literalBits - matchBits - offsetBits < firstBit) throw new ZstdFault(bitsMissing);
        position -= literalBits;
        literalState = literalLengths.baselines[literalState]! + bitsAt(bytes, position, literalBits);
        position -= matchBits;
        matchState = matchLengths.baselines[matchState]! + bitsAt(bytes, position, matchBits);
        position -= offsetBits;
        offsetState = offsets.baselines[offsetState]! + bitsAt(bytes, position, offsetBits);
      }

      // Values 1 to 3 name one of the last three offsets; with no literals before it, the list is shifted by one.
      let offset = first;
      const which = value > 3 ? 3 : literalLength === 0 ? value : value - 1;
      if (which !== 0) {
        offset = value > 3 ? value - 3 : which === 1 ? second : which === 2 ? third : first - 1;
        if (which !== 1) third = second;
        second = first;
        first = offset;
      }
      if (offset === 0) throw new ZstdFault('an offset is zero');

      if (literalLength > literalsEnd - literalAt) throw new ZstdFault('sequences take more literals than there are');
      if (length + literalLength + matchLength > limit) throw new ZstdFault('a block is too large');
      if (literalLength > 64) out.set(source.subarray(literalAt, literalAt + literalLength), length);
      else for (let index = 0; index < literalLength; index += 1) out[length + index] = source[literalAt + index]!;
      literalAt += literalLength;
      length += literalLength;

      const from = length - offset;
      if (offset > windowBytes || from < outStart) throw new WindowFault(behindWindow);
      // What overlaps itself repeats, so it is copied byte by byte.
      if (matchLength > 64 && offset >= matchLength) out.copyWithin(length, from, from + matchLength);
      else if (offset === 1) out.fill(out[from]!, length, length + matchLength);
      else for (let index = 0; index < matchLength; index += 1) out[length + index] = out[from + index]!;
      length += matchLength;
    }
    if (position !== firstBit) throw new ZstdFault('the sequences do not end with their bits');
    this.#repeats = [first, second, third];
    history.length = length;
    return literalAt;
  }
}

const maxOffsetCode = 24;
const behindWindow = 'a match reaches behind the window';
const bitsMissing = 'the bits of the sequences are cut short';

interface SequenceTables {
  readonly literalLengths: FseTable;
  readonly offsets: FseTable;
  readonly matchLengths: FseTable;
}

interface TableKind {
  readonly maxAccuracyLog: number;
  readonly maxSymbol: number;
  readonly predefined: FseTable;
}

const kinds: Readonly<Record<keyof SequenceTables, TableKind>> = {
  literalLengths: { maxAccuracyLog: 9, maxSymbol: 35, predefined: predefined.literalLengths },
  offsets: { maxAccuracyLog: 8, maxSymbol: 31, predefined: predefined.offsets },
  matchLengths: { maxAccuracyLog: 9, maxSymbol: 52, predefined: predefined.matchLengths },
};

function readSequenceTable(
  bytes: Uint8Array,
  at: number,
  end: number,
  mode: number,
  kind: TableKind,
  last: FseTable | null,
): { readonly table: FseTable; readonly next: number } {
  if (mode === 0) return { table: kind.predefined, next: at };
  if (mode === 2) return readFseTable(bytes, at, end, kind);
  if (mode === 3) {
    if (last === null) throw new ZstdFault('a table is repeated that was never sent');
    return { table: last, next: at };
  }
  const symbol = bytes[at] ?? 0;
  if (at >= end || symbol > kind.maxSymbol) throw new ZstdFault('a table of one symbol is malformed');
  return { table: singleSymbolTable(symbol), next: at + 1 };
}

function readSequenceCount(bytes: Uint8Array, at: number, end: number): { sequenceCount: number; next: number } {
  if (at >= end) throw new ZstdFault('a block has no sequences section');
  const first = bytes[at]!;
  if (first < 128) return { sequenceCount: first, next: at + 1 };
  if (first < 255) return { sequenceCount: ((first - 128) << 8) + readLittle(bytes, at + 1, 1, end), next: at + 2 };
  return { sequenceCount: readLittle(bytes, at + 1, 2, end) + 0x7f00, next: at + 3 };
}

/** Short copies are faster by hand: `set` of a subarray costs some 50 ns. */
function copyBytes(from: Uint8Array, fromAt: number, to: Uint8Array, toAt: number, length: number): void {
  if (length > 64) to.set(from.subarray(fromAt, fromAt + length), toAt);
  else for (let index = 0; index < length; index += 1) to[toAt + index] = from[fromAt + index]!;
}

/** Up to 5 bytes, lowest first; above 32 bits, so no shifts. */
function readLittle(bytes: Uint8Array, start: number, length: number, end: number): number {
  if (start + length > end) throw new ZstdFault('a header is cut short');
  let value = 0;
  for (let index = length - 1; index >= 0; index -= 1) value = value * 256 + bytes[start + index]!;
  return value;
}

function count(to: number): number[] {
  return Array.from({ length: to }, (_, index) => index);
}

function zeros(length: number): number[] {
  return Array.from({ length }, () => 0);
}

function powers(from: number, to: number): number[] {
  return Array.from({ length: to - from + 1 }, (_, index) => 2 ** (from + index));
}
