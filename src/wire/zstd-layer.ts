// zstd bodies, by our own reader. Node 20 has none, and of the library's (http-encoding 2.2.0: WASM, with a heap that does not grow) we could
// only take the whole bodies. Measured with Node 20:
// - a body of 70 kB (16 kB zstd) takes 0.45 ms, as in the library, which has to be loaded for 30 to 60 ms; 8 MB take 1 to 1.5 times as long.
// - its stream never frees its decoder: the process runs out of WASM memory, and aborts, within 200 bodies.
// - an input above 8 MB, or a window above 4 MiB, aborts it too, and prints "OOM".
// - a frame cut short is taken for a clean, empty one; a fault gives nothing of what decoded before.
import type { DecodeProblem, Layer } from './layer.ts';
import { ZstdReader } from './zstd/zstd-reader.ts';

export class ZstdLayer implements Layer {
  readonly #reader: ZstdReader;

  constructor(maxBytes: number) {
    this.#reader = new ZstdReader(maxBytes);
  }

  get problem(): DecodeProblem | null {
    return this.#reader.problem;
  }

  push(chunk: Uint8Array, roomBytes: number): Promise<Uint8Array> {
    return Promise.resolve(this.#reader.push(chunk, roomBytes));
  }

  end(roomBytes: number): Promise<Uint8Array> {
    return Promise.resolve(this.#reader.end(roomBytes));
  }
}
