// Masks a body that is on its way, and gives it back in the chunks that it came in: masks are as long as what they stand for.
// A plain body goes on at once, but for what could be the beginning of a secret; one under a content encoding waits for its end, or, where it is
// too large for that, goes on decoded.
import type { RawHeaders, Stamp } from '../../domain/index.ts';
import { StreamMasker, type Vault } from '../../redact/index.ts';
import { decodeBody, encodeBody, openBodyDecoder, type BodyDecoder } from '../../wire/index.ts';
import { readHeader } from '../http/framing.ts';

export interface MaskedChunk extends Stamp {
  readonly data: Uint8Array;
}

export interface MaskedEnd {
  readonly chunks: readonly MaskedChunk[];
  /** Null: as the head says it. */
  readonly newLength: number | null;
  /** Something to be said of it. */
  readonly remark: string | null;
}

export interface BodyMasker {
  /** Must its head wait, because it may have to say another length? */
  readonly holdsHead: boolean;
  /** It goes on without its content encoding from here on; asked after each push. */
  readonly isDecoded: boolean;
  push(chunk: MaskedChunk): readonly MaskedChunk[] | Promise<readonly MaskedChunk[]>;
  /** These bytes never came: what is behind them is no part of what was before. */
  miss(): readonly MaskedChunk[];
  end(): MaskedEnd | Promise<MaskedEnd>;
  /** Bytes that were held and are given up, because they are too many to be kept; zero where all is well. */
  readonly givenUpBytes: number;
}

export function openBodyMasker(headers: RawHeaders, vault: Vault): BodyMasker {
  const encoding = readHeader(headers, 'content-encoding');
  const isPlain = encoding === null || /^\s*(identity|none)?\s*$/i.test(encoding);
  return isPlain ? new PlainMasker(vault) : new EncodedMasker(encoding, vault);
}

class PlainMasker implements BodyMasker {
  readonly holdsHead = false;
  readonly isDecoded = false;
  readonly givenUpBytes = 0;
  readonly #vault: Vault;
  #masker: StreamMasker;
  /** Chunks whose bytes the masker has not let go in full, and what of the first one it has. */
  #waiting: MaskedChunk[] = [];
  #ready: Uint8Array[] = [];
  #readyBytes = 0;

  constructor(vault: Vault) {
    this.#vault = vault;
    this.#masker = new StreamMasker(vault);
  }

  push(chunk: MaskedChunk): MaskedChunk[] {
    const masked = this.#masker.push(chunk.data);
    if (this.#waiting.length === 0 && masked.length === chunk.data.length) return [{ ...chunk, data: masked }];
    this.#waiting.push(chunk);
    return this.#release(masked);
  }

  miss(): MaskedChunk[] {
    const rest = this.#release(this.#masker.end());
    this.#masker = new StreamMasker(this.#vault);
    return rest;
  }

  end(): MaskedEnd {
    return { chunks: this.#release(this.#masker.end()), newLength: null, remark: null };
  }

  #release(masked: Uint8Array): MaskedChunk[] {
    if (masked.length > 0) this.#ready.push(masked);
    this.#readyBytes += masked.length;
    const released: MaskedChunk[] = [];
    let all: Buffer | null = null;
    for (
      let [first] = this.#waiting;
      first !== undefined && first.data.length <= this.#readyBytes;
      [first] = this.#waiting
    ) {
      all ??= Buffer.concat(this.#ready);
      const { length } = first.data;
      released.push({ ...first, data: all.subarray(0, length) });
      all = all.subarray(length);
      this.#readyBytes -= length;
      this.#waiting.shift();
    }
    if (all !== null) this.#ready = all.length === 0 ? [] : [all];
    return released;
  }
}

/** Of a body under its encoding; it may decode to much more. Of a larger one no more than this is ever in memory, either. */
const maxHeldBytes = 8 * 1024 * 1024;
const maxDecodedBytes = 64 * 1024 * 1024;

/** A body on its way without its encoding. */
interface Large {
  readonly decoder: BodyDecoder;
  readonly masker: StreamMasker;
  last: MaskedChunk;
}

class EncodedMasker implements BodyMasker {
  readonly holdsHead = true;
  readonly #encoding: string;
  readonly #vault: Vault;
  #chunks: MaskedChunk[] = [];
  #heldBytes = 0;
  #givenUpBytes = 0;
  #hasHole = false;
  #large: Large | null = null;

  constructor(encoding: string, vault: Vault) {
    this.#encoding = encoding;
    this.#vault = vault;
  }

  get givenUpBytes(): number {
    return this.#givenUpBytes;
  }

  get isDecoded(): boolean {
    return this.#large !== null;
  }

  push(chunk: MaskedChunk): MaskedChunk[] | Promise<MaskedChunk[]> {
    if (this.#givenUpBytes > 0 || this.#hasHole) {
      this.#giveUp(chunk.data.length);
      return [];
    }
    if (this.#large !== null) return this.#pushLarge([chunk]);
    this.#chunks.push(chunk);
    this.#heldBytes += chunk.data.length;
    return this.#heldBytes > maxHeldBytes ? this.#pushLarge(this.#chunks.splice(0)) : [];
  }

  async #pushLarge(chunks: readonly MaskedChunk[]): Promise<MaskedChunk[]> {
    const isBeginning = this.#large === null;
    const large = this.#large ?? {
      decoder: openBodyDecoder(this.#encoding),
      masker: new StreamMasker(this.#vault),
      last: chunks[0]!,
    };
    const masked: MaskedChunk[] = [];
    let decodedBytes = 0;
    for (const chunk of chunks) {
      const decoded = await large.decoder.push(chunk.data);
      decodedBytes += decoded.length;
      // A bomb, or as good as one: nothing of it has been given yet.
      if (isBeginning && decodedBytes > maxDecodedBytes) {
        this.#giveUp(0);
        return [];
      }
      const data = large.masker.push(decoded);
      if (data.length > 0) masked.push({ ...chunk, data });
      large.last = chunk;
    }
    this.#heldBytes = 0;
    this.#large = large;
    return masked;
  }

  async #endLarge({ decoder, masker, last }: Large): Promise<MaskedEnd> {
    const { bytes, problem } = await decoder.end();
    const data = Buffer.concat([masker.push(bytes), masker.end()]);
    const remark = problem === null ? null : `cut: ${problem.encoding}: ${problem.message}`;
    return { chunks: data.length === 0 ? [] : [{ ...last, data }], newLength: null, remark };
  }

  /** Behind a hole nothing decodes, so nothing can be masked. */
  miss(): MaskedChunk[] {
    this.#hasHole = true;
    return [];
  }

  async end(): Promise<MaskedEnd> {
    if (this.#large !== null) return this.#endLarge(this.#large);
    const chunks = this.#chunks.splice(0);
    if (chunks.length === 0) return { chunks, newLength: null, remark: null };
    const whole = Buffer.concat(chunks.map(({ data }) => data));
    const { bytes, problem } = await decodeBody(whole, this.#encoding, { maxBytes: maxDecodedBytes });
    const { bytes: masked, count } = this.#vault.mask(bytes);
    if (problem?.reason === 'too-large') {
      this.#givenUpBytes += whole.length;
      return { chunks: [], newLength: null, remark: null };
    }
    // What is not what its head says, or stops early, is searched as it is, too.
    if (count === 0 || problem?.reason === 'unsupported') {
      const asItIs = problem === null ? whole : this.#vault.mask(whole).bytes;
      return { chunks: cutLike(chunks, asItIs), newLength: null, remark: null };
    }
    const encoded = await encodeBody(masked, this.#encoding, whole.length);
    if (encoded === null || encoded.hasLength) {
      return {
        chunks: cutLike(chunks, encoded?.bytes ?? masked),
        newLength: null,
        remark: 'masked, and encoded again at its length',
      };
    }
    const { length } = encoded.bytes;
    return {
      chunks: cutLike(chunks, encoded.bytes),
      newLength: length,
      remark: `masked, and encoded again: ${length} bytes instead of the ${whole.length} that it had`,
    };
  }

  #giveUp(bytes: number): void {
    this.#givenUpBytes += this.#heldBytes + bytes;
    this.#heldBytes = 0;
    this.#chunks = [];
  }
}

/** In the pieces that they came in; the last one takes what is over. */
function cutLike(chunks: readonly MaskedChunk[], bytes: Uint8Array): MaskedChunk[] {
  let at = 0;
  return chunks
    .map((chunk, index) => {
      const end = index === chunks.length - 1 ? bytes.length : Math.min(bytes.length, at + chunk.data.length);
      const data = bytes.subarray(at, end);
      at = end;
      return { ...chunk, data };
    })
    .filter(({ data }) => data.length > 0);
}
