// temporary
import { joinBytes, noBytes, tooLarge } from './layer.ts';
import type { DecodeProblem, Layer } from './layer.ts';

export class ZstdLayer implements Layer {
  readonly #maxBytes: number;
  readonly #in: Uint8Array[] = [];
  #problem: DecodeProblem | null = null;
  constructor(maxBytes: number) {
    this.#maxBytes = maxBytes;
  }
  get problem(): DecodeProblem | null {
    return this.#problem;
  }
  push(chunk: Uint8Array): Promise<Uint8Array> {
    this.#in.push(chunk.slice());
    return Promise.resolve(noBytes);
  }
  async end(): Promise<Uint8Array> {
    const { zstdDecompress } = await import('http-encoding');
    const input = joinBytes(this.#in);
    if (input.length === 0) return noBytes;
    const out = await zstdDecompress(input);
    if (out === null || out.length === 0) {
      this.#problem = { encoding: 'zstd', reason: 'corrupt', message: 'not decodable' };
      return noBytes;
    }
    if (out.length > this.#maxBytes) {
      this.#problem = tooLarge('zstd', this.#maxBytes);
      return out.subarray(0, this.#maxBytes);
    }
    return out;
  }
}
