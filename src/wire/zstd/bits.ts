// The two ways in which zstd packs bits (RFC 8878): sequences and literals are read backwards from a marker bit in the last byte,
// table descriptions forwards. A fault is thrown as ZstdFault and caught by the frame reader.

/** Bytes that are no zstd: it never leaves this folder. */
export class ZstdFault extends Error {}

/** A copy from farther back than is kept. */
export class WindowFault extends ZstdFault {}

/** What stands behind the bytes in their array, so that the last of them can be read as one word. */
export const slackBytes = 4;

/** `count` bits, up to 24, of which the lowest is bit `position` of all. Nothing is checked. */
export function bitsAt(bytes: Uint8Array, position: number, count: number): number {
  const at = position >>> 3;
  const word = bytes[at]! | (bytes[at + 1]! << 8) | (bytes[at + 2]! << 16) | (bytes[at + 3]! << 24);
  return (word >>> (position & 7)) & ((1 << count) - 1);
}

/** Reads backwards, highest bits first. Before the beginning there are zeros; `bitsLeft` is negative then. */
export class BackwardBits {
  readonly #bytes: Uint8Array;
  readonly #start: number;
  #position: number;

  constructor(bytes: Uint8Array, start: number, end: number) {
    const last = end > start ? bytes[end - 1]! : 0;
    if (last === 0) throw new ZstdFault('a bit stream has no end mark');
    this.#bytes = bytes;
    this.#start = start;
    this.#position = (end - start) * 8 - (Math.clz32(last) - 24) - 1;
  }

  get bitsLeft(): number {
    return this.#position;
  }

  get firstBit(): number {
    return this.#start * 8;
  }

  /** The bit that the next one to be read lies before, counted from the first of all bytes. */
  get position(): number {
    return this.#start * 8 + this.#position;
  }

  /** Up to 16 bits. */
  read(count: number): number {
    const position = this.#position - count;
    this.#position = position;
    const start = this.#start * 8;
    if (position >= 0) return bitsAt(this.#bytes, start + position, count);
    return -position >= count ? 0 : bitsAt(this.#bytes, start, count + position) << -position;
  }
}

/** Reads forwards, lowest bits first. */
export class ForwardBits {
  readonly #bytes: Uint8Array;
  readonly #end: number;
  #at: number;
  #bit = 0;

  constructor(bytes: Uint8Array, start: number, end: number) {
    this.#bytes = bytes;
    this.#at = start;
    this.#end = end;
  }

  /** Up to 16 bits, without going on. */
  peek(count: number): number {
    const at = this.#at;
    const bytes = this.#bytes;
    const word = (bytes[at] ?? 0) | ((bytes[at + 1] ?? 0) << 8) | ((bytes[at + 2] ?? 0) << 16);
    return (word >>> this.#bit) & ((1 << count) - 1);
  }

  skip(count: number): void {
    const bits = this.#bit + count;
    this.#at += bits >>> 3;
    this.#bit = bits & 7;
    if (this.#at + (this.#bit > 0 ? 1 : 0) > this.#end) throw new ZstdFault('a table description is cut short');
  }

  /** The first byte that nothing was read of. */
  get nextByte(): number {
    return this.#at + (this.#bit > 0 ? 1 : 0);
  }
}
