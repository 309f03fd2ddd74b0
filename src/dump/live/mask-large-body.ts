// A body under its content encoding that is too large to wait for: decoded, masked and encoded again while it passes, in as many bytes as it
// had and in the chunks that it came in. What cannot be decoded does not go on: padding stands for it.
import { StreamMasker, type Vault } from '../../redact/index.ts';
import { openBodyDecoder, StackedRefit } from '../../wire/index.ts';
import { ChunkQueue, type MaskedChunk } from './chunk-queue.ts';
import type { MaskedEnd } from './mask-body.ts';

/** No limit for the whole: a little of it at a time is in memory. What may come of one chunk has the decoder's own. */
const anyLength = { maxBytes: Number.MAX_SAFE_INTEGER };

export class LargeBody {
  readonly #decoder: ReturnType<typeof openBodyDecoder>;
  readonly #masker: StreamMasker;
  readonly #refit: StackedRefit;
  readonly #queue = new ChunkQueue();

  /** `encoding`: can be decoded. `first`: its first chunk, which is pushed like any other. */
  constructor(encoding: string, vault: Vault, first: MaskedChunk) {
    this.#decoder = openBodyDecoder(encoding, anyLength);
    this.#masker = new StreamMasker(vault);
    const refit = StackedRefit.open(encoding, first.data);
    if (refit === null) throw new Error(`a body cannot be written in ${encoding}`);
    this.#refit = refit;
  }

  async push(chunks: readonly MaskedChunk[]): Promise<MaskedChunk[]> {
    const masked: MaskedChunk[] = [];
    for (const chunk of chunks) {
      const text = this.#masker.push(await this.#decoder.push(chunk.data));
      this.#queue.put(chunk);
      masked.push(...this.#queue.fill(await this.#refit.push(text, chunk.data.length)));
    }
    return masked;
  }

  async end(): Promise<MaskedEnd> {
    const { bytes, problem } = await this.#decoder.end();
    const text = Buffer.concat([this.#masker.push(bytes), this.#masker.end()]);
    const cut = problem === null ? [] : [`cut: ${problem.encoding}: ${problem.message}`];
    const parts = [await this.#refit.push(text, 0), await this.#refit.end()];
    const { leftOutBytes } = this.#refit;
    const left =
      leftOutBytes === 0
        ? []
        : [`masked, and ${leftOutBytes} decoded bytes of it are left out, so that its length holds`];
    const remark = [...left, ...cut].join('; ');
    return { chunks: this.#queue.fill(Buffer.concat(parts)), remark: remark === '' ? null : remark };
  }
}
