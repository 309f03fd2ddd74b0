// The sizes and times of chunks that came, for bytes that take their place later: these go out in the pieces in which those came.
import type { Stamp } from '../../domain/index.ts';

export interface MaskedChunk extends Stamp {
  readonly data: Uint8Array;
}

interface Place extends Stamp {
  bytes: number;
}

/** Chunks of a few bytes each are joined where so many wait. */
const maxPlaces = 16_384;

export class ChunkQueue {
  #places: Place[] = [];
  #ready: Uint8Array[] = [];
  #readyBytes = 0;

  get isEmpty(): boolean {
    return this.#places.length === 0;
  }

  put({ at, mono, data }: MaskedChunk): void {
    const last = this.#places.at(-1);
    if (this.#places.length >= maxPlaces && last !== undefined) last.bytes += data.length;
    else this.#places.push({ at, mono, bytes: data.length });
  }

  /** Takes bytes in, gives the chunks that are whole with them. */
  fill(bytes: Uint8Array): MaskedChunk[] {
    if (bytes.length > 0) this.#ready.push(bytes);
    this.#readyBytes += bytes.length;
    let whole = 0;
    let wholeBytes = 0;
    for (const place of this.#places) {
      if (wholeBytes + place.bytes > this.#readyBytes) break;
      wholeBytes += place.bytes;
      whole += 1;
    }
    if (whole === 0) return [];
    const all = this.#ready.length === 1 ? this.#ready[0]! : Buffer.concat(this.#ready);
    let from = 0;
    const chunks = this.#places.splice(0, whole).map(({ at, mono, bytes: length }) => {
      const data = all.subarray(from, from + length);
      from += length;
      return { at, mono, data };
    });
    const rest = all.subarray(from);
    this.#ready = rest.length === 0 ? [] : [rest];
    this.#readyBytes = rest.length;
    return chunks;
  }
}
