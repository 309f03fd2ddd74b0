// SHA-256 of a response as it came, decoded, and as it is kept. Most responses are not compressed and hold no secret, so that all three are
// one: it is computed once, until they part.
import { createHash, type Hash } from 'node:crypto';

export class BodyHashes {
  /** Null: the decoded bytes are those that came. */
  readonly #wire: Hash | null;
  readonly #kept = createHash('sha256');
  /** Null: what is kept are the decoded bytes, as far as they have been kept. */
  #decoded: Hash | null = null;
  /** Decoded bytes that a mask still holds back. */
  #waiting: Uint8Array[] = [];

  constructor(isPlain: boolean) {
    this.#wire = isPlain ? null : createHash('sha256');
  }

  addWire(bytes: Uint8Array): void {
    this.#wire?.update(bytes);
  }

  /** What was decoded and what of it can be kept by now. `isMasked`: something of all that was kept is not as it was. */
  add(decoded: Uint8Array, kept: Uint8Array, isMasked: boolean): void {
    if (this.#decoded !== null) this.#decoded.update(decoded);
    else if (kept !== decoded || this.#waiting.length > 0) {
      this.#waiting.push(decoded);
      if (isMasked) this.#part();
      else this.#forget(kept.length);
    }
    this.#kept.update(kept);
  }

  /** In hex. Call once. */
  digest(): { readonly wire: string; readonly decoded: string; readonly kept: string } {
    const kept = this.#kept.digest('hex');
    const decoded = this.#decoded?.digest('hex') ?? kept;
    return { wire: this.#wire?.digest('hex') ?? decoded, decoded, kept };
  }

  #part(): void {
    this.#decoded = this.#kept.copy();
    for (const bytes of this.#waiting) this.#decoded.update(bytes);
    this.#waiting = [];
  }

  /** So much of what waited has been kept. */
  #forget(length: number): void {
    let left = length;
    while (this.#waiting.length > 0 && left >= this.#waiting[0]!.length) left -= this.#waiting.shift()!.length;
    if (left > 0 && this.#waiting.length > 0) this.#waiting[0] = this.#waiting[0]!.subarray(left);
  }
}
