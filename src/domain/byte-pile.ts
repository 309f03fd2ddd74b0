// Bytes that are collected. A chunk of one byte costs a hundred as an object of its own: small ones are copied together, large ones are kept
// as they are.

const blockBytes = 64 * 1024;
const smallBytes = 4 * 1024;

export class BytePile {
  #parts: Uint8Array[] = [];
  #block: Buffer | null = null;
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
    if (this.#block !== null && this.#used + chunk.length > blockBytes) this.#close();
    this.#block ??= Buffer.allocUnsafeSlow(blockBytes);
    this.#block.set(chunk, this.#used);
    this.#used += chunk.length;
  }

  /** All of it; what was collected is forgotten. */
  take(): Buffer {
    this.#close();
    const parts = this.#parts;
    this.#parts = [];
    this.#length = 0;
    return Buffer.concat(parts);
  }

  #close(): void {
    if (this.#block !== null && this.#used > 0) {
      // A block that is hardly filled is not kept whole.
      const filled = this.#block.subarray(0, this.#used);
      this.#parts.push(this.#used > blockBytes / 2 ? filled : Buffer.from(filled));
    }
    this.#block = null;
    this.#used = 0;
  }
}
