// The two ways in which zstd packs bits (RFC 8878): sequences and literals are read backwards from a marker bit in the last byte,
// table descriptions forwards. A fault is thrown as ZstdFault and caught by the frame reader.

/** Bytes that are no zstd: it never leaves this folder. */
export class ZstdFault extends Error {}

/** A copy from farther back than is kept. */
export class WindowFault extends ZstdFault {}

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

  /** Up to 32 bits. */
  read(count: number): number {
    if (count > 24) return this.read(count - 16) * 65_536 + this.read(16);
    const position = this.#position - count;
    this.#position = position;
    if (position >= 0) return this.#at(position, count);
    return -position >= count ? 0 : this.#at(0, count + position) << -position;
  }

  #at(position: number, count: number): number {
    const bytes = this.#bytes;
    const at = this.#start + (position >>> 3);
    const word = bytes[at]! | ((bytes[at + 1] ?? 0) << 8) | ((bytes[at + 2] ?? 0) << 16) | ((bytes[at + 3] ?? 0) << 24);
    return (word >>> (position & 7)) & ((1 << count) - 1);
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
