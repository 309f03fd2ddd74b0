// Response bytes on their way to disk: decoded, hashed, masked, read, and given out in pieces. Nothing is kept here but what a
// decoder or the mask needs for the next piece.
import { createHash } from 'node:crypto';

import type { Vault } from '../../redact/index.ts';
import { StreamMasker } from '../../redact/index.ts';
import type { DecodeProblem } from '../../wire/index.ts';
import { openBodyDecoder } from '../../wire/index.ts';
import type { BodyRow } from '../rows.ts';

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

export class ResponseBody {
  readonly #contentEncoding: string | null;
  readonly #decoder: ReturnType<typeof openBodyDecoder>;
  readonly #masker: StreamMasker;
  readonly #vault: Vault;
  readonly #wireHash = createHash('sha256');
  readonly #decodedHash = createHash('sha256');
  readonly #storedHash = createHash('sha256');
  #wireBytes = 0;
  #decodedBytes = 0;
  #storedBytes = 0;
  #lostBytes = 0;
  #problem: DecodeProblem | null = null;

  constructor(contentEncoding: string | null, vault: Vault) {
    this.#contentEncoding = contentEncoding;
    this.#decoder = openBodyDecoder(contentEncoding);
    this.#masker = new StreamMasker(vault);
    this.#vault = vault;
  }

  /** The decoded, masked bytes that are ready. */
  async push(data: Uint8Array): Promise<Uint8Array> {
    this.#wireBytes += data.length;
    this.#wireHash.update(data);
    const decoded = await this.#decoder.push(data);
    this.#countDecoded(decoded);
    return this.#countStored(this.#masker.push(decoded));
  }

  lose(bytes: number): void {
    this.#lostBytes += bytes;
    this.#wireBytes += bytes;
  }

  async end(): Promise<Uint8Array> {
    const { bytes, problem } = await this.#decoder.end();
    this.#problem = problem;
    this.#countDecoded(bytes);
    return this.#countStored(Buffer.concat([this.#masker.push(bytes), this.#masker.end()]));
  }

  /** After `end`. Call once. */
  sizes(): ResponseSizes {
    const isWhole = this.#lostBytes === 0;
    const problems = [
      isWhole ? null : `${this.#lostBytes} bytes were not recorded: too much was waiting to be written`,
      this.#problem === null ? null : `${this.#problem.encoding}: ${this.#problem.message}`,
    ].filter((problem) => problem !== null);
    return {
      content_encoding: this.#contentEncoding,
      wire_bytes: this.#wireBytes,
      wire_sha256: isWhole ? this.#wireHash.digest('hex') : null,
      decoded_bytes: this.#decodedBytes,
      decoded_sha256: isWhole ? this.#decodedHash.digest('hex') : null,
      stored_bytes: this.#storedBytes,
      stored_sha256: this.#storedHash.digest('hex'),
      masked: this.#masker.count,
      problem: problems.length === 0 ? null : this.#vault.maskText(problems.join('; ')),
    };
  }

  #countDecoded(bytes: Uint8Array): void {
    this.#decodedBytes += bytes.length;
    this.#decodedHash.update(bytes);
  }

  #countStored(bytes: Uint8Array): Uint8Array {
    this.#storedBytes += bytes.length;
    this.#storedHash.update(bytes);
    return bytes;
  }
}
