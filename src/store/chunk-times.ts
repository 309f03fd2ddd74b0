// When the chunks of an answer came and how large each was, in few bytes: numbers of seven bits a byte (as in protocol buffers), all times
// before all sizes, since what is alike lies together so. A byte before them says whether they are deflated. Sizes are those of the wire; of an answer
// without a content encoding, and masked or not, they are also those of its stored bytes.
import { inflateRawSync } from 'node:zlib';

import { deflateAtOnce } from './compression.ts';

export interface ChunkTimes {
  /** When the call began, after its exchange did. */
  readonly baseMs: number;
  /** In order; `atMs` is after the call's start, to the microsecond. */
  readonly chunks: readonly { readonly atMs: number; readonly bytes: number }[];
}

// A stream without an end is not to fill the memory: what comes later is counted with the last.
const maxChunks = 65_536;
/** Of a packed form that is not ours. */
const maxUnpackedBytes = 4 * 1024 * 1024;
const [plain, deflated] = [0, 1];

export class ChunkTimesBuilder {
  readonly #baseMs: number;
  readonly #chunks: { atMs: number; bytes: number }[] = [];

  constructor(baseMs: number) {
    this.#baseMs = baseMs;
  }

  add(atMs: number, bytes: number): void {
    if (bytes === 0) return;
    const last = this.#chunks.at(-1);
    if (last !== undefined && this.#chunks.length >= maxChunks) last.bytes += bytes;
    else this.#chunks.push({ atMs, bytes });
  }

  /** Null: there was no chunk. */
  pack(): Uint8Array | null {
    return this.#chunks.length === 0 ? null : packChunkTimes({ baseMs: this.#baseMs, chunks: this.#chunks });
  }
}

function packChunkTimes({ baseMs, chunks }: ChunkTimes): Uint8Array {
  const bytes: number[] = [];
  const put = (value: number): void => {
    let left = value;
    for (; left >= 0x80; left = Math.floor(left / 0x80)) bytes.push((left % 0x80) | 0x80);
    bytes.push(left);
  };
  put(chunks.length);
  put(toMicroseconds(baseMs));
  let before = 0;
  for (const { atMs } of chunks) {
    const at = Math.max(before, toMicroseconds(atMs));
    put(at - before);
    before = at;
  }
  for (const chunk of chunks) put(chunk.bytes);
  const packed = deflateAtOnce(Uint8Array.from(bytes), { level: 9 });
  const isSmaller = packed.length < bytes.length;
  return Buffer.concat([Uint8Array.of(isSmaller ? deflated : plain), isSmaller ? packed : Uint8Array.from(bytes)]);
}

/** Null: this is no such thing. */
export function unpackChunkTimes(data: Uint8Array): ChunkTimes | null {
  try {
    const kind = data[0];
    if (kind !== plain && kind !== deflated) return null;
    const packed = data.subarray(1);
    const bytes = kind === plain ? packed : inflateRawSync(packed, { maxOutputLength: maxUnpackedBytes });
    let place = 0;
    const take = (): number => {
      let value = 0;
      for (let scale = 1; ; scale *= 0x80) {
        const byte = bytes[place++];
        if (byte === undefined) throw new Error('cut');
        value += (byte & 0x7f) * scale;
        if (byte < 0x80) return value;
      }
    };
    const count = take();
    if (count > maxChunks) return null;
    const baseMs = take() / 1000;
    let at = 0;
    const times = Array.from({ length: count }, () => (at += take()) / 1000);
    const chunks = times.map((atMs) => ({ atMs, bytes: take() }));
    return place === bytes.length ? { baseMs, chunks } : null;
  } catch {
    return null;
  }
}

const toMicroseconds = (ms: number): number => Math.max(0, Math.round(ms * 1000));
