// Masks a body that is on its way, and gives it back in the chunks that it came in: masks are as long as what they stand for.
// A plain body goes on at once, but for what could be the beginning of a secret; one under a content encoding waits for its end, or, where it is
// too large for that, goes on encoded again.
import type { RawHeaders } from '../../domain/index.ts';
import { starMarks, StreamMasker, type Vault } from '../../redact/index.ts';
import { canDecode, decodeBody, fitBody } from '../../wire/index.ts';
import { readHeader } from '../http/framing.ts';
import { ChunkQueue, type MaskedChunk } from './chunk-queue.ts';
import { LargeBody } from './mask-large-body.ts';

export interface MaskedEnd {
  readonly chunks: readonly MaskedChunk[];
  /** Something to be said of it. */
  readonly remark: string | null;
}

export interface BodyMasker {
  /** Does its head wait, because more is to be said of it at its end? */
  readonly holdsHead: boolean;
  /** Asked after each push: does it go on before its end, so that its head need not wait for that? */
  readonly passesOn: boolean;
  push(chunk: MaskedChunk): readonly MaskedChunk[] | Promise<readonly MaskedChunk[]>;
  /** These bytes never came: what is behind them is no part of what was before. */
  miss(): readonly MaskedChunk[];
  end(): MaskedEnd | Promise<MaskedEnd>;
  /** Bytes that were held and are given up, because they are too many to be kept; zero where all is well. */
  readonly givenUpBytes: number;
}

export function openBodyMasker(headers: RawHeaders, vault: Vault): BodyMasker {
  const encoding = readHeader(headers, 'content-encoding');
  return encoding === null || !canDecode(encoding) ? new PlainMasker(vault) : new EncodedMasker(encoding, vault);
}

class PlainMasker implements BodyMasker {
  readonly holdsHead = false;
  readonly passesOn = true;
  readonly givenUpBytes = 0;
  readonly #vault: Vault;
  #masker: StreamMasker;
  /** Chunks whose bytes the masker has not let go in full. */
  readonly #queue = new ChunkQueue();

  constructor(vault: Vault) {
    this.#vault = vault;
    this.#masker = new StreamMasker(vault);
  }

  push(chunk: MaskedChunk): MaskedChunk[] {
    const masked = this.#masker.push(chunk.data);
    if (this.#queue.isEmpty && masked.length === chunk.data.length) {
      return [masked === chunk.data ? chunk : { ...chunk, data: masked }];
    }
    this.#queue.put(chunk);
    return this.#queue.fill(masked);
  }

  miss(): MaskedChunk[] {
    const rest = this.#queue.fill(this.#masker.end());
    this.#masker = new StreamMasker(this.#vault);
    return rest;
  }

  end(): MaskedEnd {
    return { chunks: this.#queue.fill(this.#masker.end()), remark: null };
  }
}

/** Of a body under its encoding; it may decode to much more. */
const maxHeldBytes = 8 * 1024 * 1024;
const maxDecodedBytes = 64 * 1024 * 1024;

class EncodedMasker implements BodyMasker {
  readonly holdsHead = true;
  readonly #encoding: string;
  readonly #vault: Vault;
  #chunks: MaskedChunk[] = [];
  #heldBytes = 0;
  #givenUpBytes = 0;
  #hasHole = false;
  #large: LargeBody | null = null;

  constructor(encoding: string, vault: Vault) {
    this.#encoding = encoding;
    this.#vault = vault;
  }

  get givenUpBytes(): number {
    return this.#givenUpBytes;
  }

  get passesOn(): boolean {
    return this.#large !== null;
  }

  push(chunk: MaskedChunk): MaskedChunk[] | Promise<MaskedChunk[]> {
    if (this.#givenUpBytes > 0 || this.#hasHole) {
      this.#giveUp(chunk.data.length);
      return [];
    }
    if (this.#large !== null) return this.#large.push([chunk]);
    this.#chunks.push(chunk);
    this.#heldBytes += chunk.data.length;
    if (this.#heldBytes <= maxHeldBytes) return [];
    this.#heldBytes = 0;
    this.#large = new LargeBody(this.#encoding, this.#vault, this.#chunks[0]!);
    return this.#large.push(this.#chunks.splice(0));
  }

  /** Behind a hole nothing decodes, so nothing can be masked. */
  miss(): MaskedChunk[] {
    this.#hasHole = true;
    return [];
  }

  async end(): Promise<MaskedEnd> {
    if (this.#large !== null) return this.#large.end();
    const chunks = this.#chunks.splice(0);
    if (chunks.length === 0) return { chunks, remark: null };
    const whole = Buffer.concat(chunks.map(({ data }) => data));
    const { bytes, problem } = await decodeBody(whole, this.#encoding, { maxBytes: maxDecodedBytes });
    const { bytes: masked, count } = this.#vault.mask(bytes);
    if (problem?.reason === 'too-large') {
      this.#givenUpBytes += whole.length;
      return { chunks: [], remark: null };
    }
    // What is not what its head says, or stops early, is searched as it is, too.
    if (count === 0 || problem?.reason === 'unsupported') {
      const asItIs = problem === null ? whole : this.#vault.mask(whole).bytes;
      return { chunks: cutLike(chunks, asItIs), remark: null };
    }
    const plainer = starMarks(masked);
    const fitted = await fitBody(masked, this.#encoding, whole.length, { original: whole, plainer });
    const cut = problem === null ? '' : `; cut: ${problem.encoding}: ${problem.message}`;
    return {
      chunks: cutLike(chunks, fitted?.bytes ?? Buffer.alloc(whole.length, '*')),
      remark: `masked, and ${howFitted(fitted)}${cut}`,
    };
  }

  #giveUp(bytes: number): void {
    this.#givenUpBytes += this.#heldBytes + bytes;
    this.#heldBytes = 0;
    this.#chunks = [];
  }
}

function howFitted(fitted: Awaited<ReturnType<typeof fitBody>>): string {
  if (fitted === null) return 'replaced by `*`: nothing that decodes has room in its length';
  const plainer = fitted.isPlainer ? ', marks without their fingerprints' : '';
  const left = fitted.leftOutBytes === 0 ? '' : `, and ${fitted.leftOutBytes} decoded bytes of it are left out`;
  return `encoded again at its length${plainer}${left}`;
}

/** In the pieces that they came in. */
function cutLike(chunks: readonly MaskedChunk[], bytes: Uint8Array): MaskedChunk[] {
  let at = 0;
  return chunks
    .map((chunk) => {
      const end = at + chunk.data.length;
      const data = bytes.subarray(at, end);
      at = end;
      return { ...chunk, data };
    })
    .filter(({ data }) => data.length > 0);
}
