// Masks bytes that arrive in chunks: what could be the beginning of a secret waits for the next chunk, everything else goes on.
import { isTokenByte, shapeContextBytes, shapes } from './shapes.ts';
import { writeMask } from './vault.ts';
import type { Vault } from './vault.ts';

/** A token longer than this is masked in pieces, so that what waits stays bounded. */
const maxWaiting = 16 * 1024;
const nothing = new Uint8Array(0);

export class StreamMasker {
  readonly #vault: Vault;
  /** The last bytes that went out, as they were: they decide whether a shape begins behind them. */
  #before: Buffer = Buffer.alloc(0);
  #waiting: Buffer = Buffer.alloc(0);
  #isInsideToken = false;
  #count = 0;

  constructor(vault: Vault) {
    this.#vault = vault;
  }

  /** Secrets masked so far. */
  get count(): number {
    return this.#count;
  }

  /** Gives what can go out now, in order; it may be empty. The same object comes back where nothing could be in it. */
  push(chunk: Uint8Array): Uint8Array {
    if (chunk.length === 0) return nothing;
    const isUnbound = this.#waiting.length === 0 && !this.#isInsideToken;
    if (!isUnbound || this.#vault.look(chunk) !== 'nothing') return this.#release(chunk, false);
    this.#remember(chunk);
    return chunk;
  }

  /** Byte by byte: this is done for each chunk that passes, and a few bytes are not worth an object. */
  #remember(chunk: Uint8Array): void {
    const kept = Math.max(0, Math.min(this.#before.length, shapeContextBytes - chunk.length));
    const added = Math.min(chunk.length, shapeContextBytes);
    const before = kept + added === this.#before.length ? this.#before : Buffer.alloc(kept + added);
    if (kept > 0) before.set(this.#before.subarray(this.#before.length - kept));
    for (let at = 0; at < added; at += 1) before[kept + at] = chunk[chunk.length - added + at]!;
    this.#before = before;
  }

  /** Gives the rest. */
  end(): Uint8Array {
    return this.#release(nothing, true);
  }

  #release(chunk: Uint8Array, isEnd: boolean): Uint8Array {
    const known = this.#before.length;
    const bytes = Buffer.concat([this.#before, this.#waiting, chunk]);
    let from = known;
    if (this.#isInsideToken) {
      while (from < bytes.length && isTokenByte(bytes[from])) from += 1;
      if (from < bytes.length) this.#isInsideToken = false;
    }
    // In this order: a token field teaches its secret, of which the end of this chunk may be a beginning.
    let ranges = this.#vault.findSecrets(bytes, { isWhole: isEnd, from });
    let hold = isEnd ? bytes.length : this.#holdFrom(bytes, from, true);
    if (bytes.length - hold > maxWaiting + this.#vault.longestForm) {
      ranges = this.#vault.findSecrets(bytes, { isWhole: true, from });
      hold = this.#holdFrom(bytes, from, false);
      this.#isInsideToken = (ranges.at(-1)?.end ?? 0) >= hold;
    }
    // A secret that reaches into what waits is decided with it.
    for (const { start, end } of ranges) if (!this.#isInsideToken && start < hold && end > hold) hold = start;
    const masked = Buffer.from(bytes.subarray(known, hold));
    if (from > known) masked.fill('*', 0, from - known);
    for (const range of ranges) {
      if (range.start >= hold) break;
      writeMask(masked, { ...range, start: range.start - known, end: Math.min(range.end, hold) - known });
      this.#count += 1;
    }
    this.#before = Buffer.from(bytes.subarray(Math.max(0, hold - shapeContextBytes), hold));
    this.#waiting = Buffer.from(bytes.subarray(hold));
    return masked;
  }

  /** The first place from which on the bytes, with more behind them, could still become a secret. */
  #holdFrom(bytes: Buffer, from: number, withShapes: boolean): number {
    let hold = this.#vault.forms.startOfPart(bytes, from);
    if (!withShapes) return hold;
    for (const shape of shapes) {
      hold = Math.min(hold, startOfPrefix(bytes, shape.literal, from));
      for (let at = bytes.indexOf(shape.literal, from); at !== -1 && at < hold;) {
        const { next, isOpen } = shape.read(bytes, at);
        if (isOpen) hold = at;
        at = bytes.indexOf(shape.literal, next);
      }
    }
    return hold;
  }
}

/** Where the longest ending of `bytes` starts that is a beginning of `text`, and not all of it; the end where there is none. */
function startOfPrefix(bytes: Buffer, text: Buffer, from: number): number {
  const first = text[0] ?? 0;
  const earliest = Math.max(from, bytes.length - text.length + 1);
  for (let at = bytes.indexOf(first, earliest); at !== -1; at = bytes.indexOf(first, at + 1)) {
    if (bytes.compare(text, 0, bytes.length - at, at) === 0) return at;
  }
  return bytes.length;
}
