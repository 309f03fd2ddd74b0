// zstd bodies: our own reader, and the library for large whole ones, where its speed is worth its loading.
// Measured on http-encoding 2.2.0 with Node 20, where its zstd is WASM with a heap that does not grow:
// - a body of 70 kB (22 kB zstd): 0.3 ms, after 30 to 60 ms of loading; our reader takes 0.8 ms, and 13 ms the first time.
//   14 MB: 34 ms, our reader 175 ms.
// - its stream never frees its decoder: the process runs out of WASM memory, and aborts, within 200 bodies.
// - an input above 8 MB, or a window above 4 MiB, aborts it too, and prints "OOM".
// - a frame cut short is taken for a clean, empty one; a fault gives nothing of what decoded before.
import type { DecodeProblem, Layer } from './layer.ts';
import { maxBlockBytes } from './zstd/block.ts';
import { readFrameStart } from './zstd/frame-header.ts';
import { ZstdReader } from './zstd/zstd-reader.ts';

const libraryWorthBytes = 128 * 1024;
const librarySafeBytes = 4 * 1024 * 1024;
let library: Promise<typeof import('http-encoding')> | null = null;

/** The reader as a layer, for bodies that are still arriving, and for those that the library must not see. */
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

/** What a large body of whole frames decodes to; null where the library is not worth it, not safe with it, or cannot read it. */
export async function decodeWithLibrary(bytes: Uint8Array, maxBytes: number): Promise<Uint8Array | null> {
  if (bytes.length < libraryWorthBytes || bytes.length > librarySafeBytes) return null;
  const frames = walkFrames(bytes, maxBytes);
  if (frames === null || frames.length === 0) return null;
  library ??= import('http-encoding');
  const { zstdDecompress } = await library;
  const parts: Uint8Array[] = [];
  for (const { start, end, contentBytes } of frames) {
    try {
      const part: Uint8Array | null = await zstdDecompress(bytes.subarray(start, end));
      if (part === null || (contentBytes !== null && part.length !== contentBytes)) return null;
      parts.push(part);
    } catch {
      return null;
    }
  }
  return parts.length === 1 ? (parts[0] ?? null) : Buffer.concat(parts);
}

interface FrameRange {
  readonly start: number;
  readonly end: number;
  readonly contentBytes: number | null;
}

/** The frames, if the body is made of whole ones, with small windows, that cannot hold more than `maxBytes`. */
function walkFrames(bytes: Uint8Array, maxBytes: number): FrameRange[] | null {
  const frames: FrameRange[] = [];
  let atMostBytes = 0;
  for (let at = 0; at < bytes.length;) {
    const frame = readFrameStart(bytes, at, bytes.length);
    if (frame.type === 'skip') {
      at += frame.bytes;
      if (at > bytes.length) return null;
      continue;
    }
    if (frame.type !== 'frame' || frame.dictionaryId !== 0 || frame.windowBytes > librarySafeBytes) return null;
    const start = at;
    at += frame.headerBytes;
    for (let isLast = false; !isLast;) {
      if (at + 3 > bytes.length) return null;
      const [a = 0, b = 0, c = 0] = bytes.subarray(at, at + 3);
      const type = (a >>> 1) & 3;
      const size = (a | (b << 8) | (c << 16)) >>> 3;
      isLast = (a & 1) === 1;
      at += 3 + (type === 1 ? 1 : size);
      atMostBytes += type === 2 ? Math.min(maxBlockBytes, frame.windowBytes) : size;
    }
    if (frame.hasChecksum) at += 4;
    if (at > bytes.length || atMostBytes > maxBytes) return null;
    frames.push({ start, end: at, contentBytes: frame.contentBytes });
  }
  return frames;
}
