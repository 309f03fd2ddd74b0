// Response bytes on their way to disk: decoded, hashed, masked, read, and given out in pieces. Nothing is kept here but what a
// decoder or the mask needs for the next piece.
import type { Vault } from '../../redact/index.ts';
import { StreamMasker } from '../../redact/index.ts';
import type { DecodeProblem } from '../../wire/index.ts';
import { openBodyDecoder } from '../../wire/index.ts';
import type { BodyRow } from '../rows.ts';
import { BodyHashes } from './body-hashes.ts';

export type ResponseSizes = Pick<
  BodyRow,
  | 'content_encoding'
  | 'wire_bytes'
  | 'wire_sha256'
  | 'decoded_bytes'
  | 'decoded_sha256'
  | 'stored_bytes'
  | 'stored_sha256'
  | 'masked'
  | 'problem'
>;

const noBytes = new Uint8Array(0);

export class ResponseBody {
  readonly #contentEncoding: string | null;
  readonly #decoder: ReturnType<typeof openBodyDecoder>;
  readonly #masker: StreamMasker;
  readonly #vault: Vault;
  readonly #hashes: BodyHashes;
  #wireBytes = 0;
  #decodedBytes = 0;
  #storedBytes = 0;
  #lostBytes = 0;
  #problem: DecodeProblem | null = null;

  constructor(contentEncoding: string | null, vault: Vault) {
    this.#contentEncoding = contentEncoding;
    this.#decoder = openBodyDecoder(contentEncoding);
    this.#hashes = new BodyHashes(this.#decoder.isPlain);
    this.#masker = new StreamMasker(vault);
    this.#vault = vault;
  }

  /** The decoded, masked bytes that are ready. At once where nothing has to be decoded: most often. */
  push(data: Uint8Array): Uint8Array | Promise<Uint8Array> {
    this.#wireBytes += data.length;
    if (this.#decoder.isPlain) return this.#keep(data);
    this.#hashes.addWire(data);
    return this.#decoder.push(data).then((decoded) => this.#keep(decoded));
  }

  lose(bytes: number): void {
    this.#lostBytes += bytes;
    this.#wireBytes += bytes;
  }

  async end(): Promise<Uint8Array> {
    const { bytes, problem } = await this.#decoder.end();
    this.#problem = problem;
    return Buffer.concat([this.#keep(bytes), this.#count(noBytes, this.#masker.end())]);
  }

  /** After `end`. Call once. */
  sizes(): ResponseSizes {
    const isWhole = this.#lostBytes === 0;
    const problems = [
      isWhole ? null : `${this.#lostBytes} bytes were not recorded: too much was waiting to be written`,
      this.#problem === null ? null : `${this.#problem.encoding}: ${this.#problem.message}`,
    ].filter((problem) => problem !== null);
    const hashes = this.#hashes.digest();
    return {
      content_encoding: this.#contentEncoding,
      wire_bytes: this.#wireBytes,
      wire_sha256: isWhole ? hashes.wire : null,
      decoded_bytes: this.#decodedBytes,
      decoded_sha256: isWhole ? hashes.decoded : null,
      stored_bytes: this.#storedBytes,
      stored_sha256: hashes.kept,
      masked: this.#masker.count,
      problem: problems.length === 0 ? null : this.#vault.maskText(problems.join('; ')),
    };
  }

  #keep(decoded: Uint8Array): Uint8Array {
    return this.#count(decoded, this.#masker.push(decoded));
  }

  #count(decoded: Uint8Array, kept: Uint8Array): Uint8Array {
    this.#decodedBytes += decoded.length;
    this.#storedBytes += kept.length;
    this.#hashes.add(decoded, kept, this.#masker.count > 0);
    return kept;
  }
}
