// Bytes that are collected. A chunk of one byte costs a hundred as an object of its own: small ones are copied together, large ones are kept
// as they are.

/** The first one, for most piles are small; then each has twice as many, up to the largest. */
const firstBlockBytes = 8 * 1024;
const largestBlockBytes = 64 * 1024;
const smallBytes = 4 * 1024;

export class BytePile {
  #parts: Uint8Array[] = [];
  #block: Buffer | null = null;
  #blockBytes = firstBlockBytes;
  #used = 0;
  #length = 0;

  get length(): number {
    return this.#length;
  }

  push(chunk: Uint8Array): void {
    this.#length += chunk.length;
    if (chunk.length > smallBytes) {
      this.#close();
      this.#parts.push(chunk);
      return;
    }
    if (this.#block !== null && this.#used + chunk.length > this.#block.length) {
      this.#close();
      this.#blockBytes = Math.min(2 * this.#blockBytes, largestBlockBytes);
    }
    this.#block ??= Buffer.allocUnsafeSlow(this.#blockBytes);
    this.#block.set(chunk, this.#used);
    this.#used += chunk.length;
  }

  /** All of it; what was collected is forgotten. */
  take(): Buffer {
    this.#close();
    const parts = this.#parts;
    this.#parts = [];
    this.#length = 0;
    this.#blockBytes = firstBlockBytes;
    return Buffer.concat(parts);
  }

  #close(): void {
    if (this.#block !== null && this.#used > 0) {
      // A block that is hardly filled is not kept whole.
      const filled = this.#block.subarray(0, this.#used);
      this.#parts.push(this.#used > this.#block.length / 2 ? filled : Buffer.from(filled));
    }
    this.#block = null;
    this.#used = 0;
  }
}
