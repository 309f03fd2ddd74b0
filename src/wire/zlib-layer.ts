// gzip, deflate (with a zlib header or raw) and brotli over node:zlib's streams, which give what they have after each chunk.
// Faults become values; the output is cut at `maxBytes`, and the stream is destroyed there, so that a bomb stops inflating.
import { createBrotliDecompress, createGunzip, createInflate, createInflateRaw } from 'node:zlib';
import type { BrotliDecompress, Gunzip, Inflate, InflateRaw } from 'node:zlib';

import { joinBytes, noBytes, tooDense, tooLarge } from './layer.ts';
import type { DecodeProblem, Layer } from './layer.ts';

export type ZlibEncoding = 'gzip' | 'deflate' | 'br';
type ZlibStream = BrotliDecompress | Gunzip | Inflate | InflateRaw;

const chunkSize = 64 * 1024;

export class ZlibLayer implements Layer {
  readonly #encoding: ZlibEncoding;
  readonly #maxBytes: number;
  #stream: ZlibStream | null = null;
  #start: Uint8Array = noBytes;
  #out: Uint8Array[] = [];
  #producedBytes = 0;
  #givenRoomBytes = 0;
  #roomBytes = 0;
  #fedBytes = 0;
  #ended = false;
  #settle: (() => void) | null = null;
  #problem: DecodeProblem | null = null;

  constructor(encoding: ZlibEncoding, maxBytes: number) {
    this.#encoding = encoding;
    this.#maxBytes = maxBytes;
  }

  get problem(): DecodeProblem | null {
    return this.#problem;
  }

  async push(chunk: Uint8Array, roomBytes: number): Promise<Uint8Array> {
    this.#giveRoom(roomBytes);
    if (this.#problem !== null || chunk.length === 0) return noBytes;
    if (this.#stream === null) {
      this.#start = joinBytes([this.#start, chunk]);
      // Two bytes tell deflate's two forms apart.
      if (this.#encoding === 'deflate' && this.#start.length < 2) return noBytes;
      return this.#write(this.#open(this.#start), this.#start);
    }
    return this.#write(this.#stream, chunk);
  }

  async end(roomBytes: number): Promise<Uint8Array> {
    this.#giveRoom(roomBytes);
    if (this.#problem !== null) return noBytes;
    if (this.#stream === null) {
      // Nothing at all is what a HEAD or a 204 sends, whatever its header says.
      if (this.#start.length > 0) this.#fail('truncated', 'the body ended inside its header');
      return noBytes;
    }
    const stream = this.#stream;
    if (!this.#ended)
      await this.#until((done) => {
        stream.end();
        if (stream.closed) done();
      });
    this.#checkTrailing(stream);
    stream.destroy();
    return this.#take();
  }

  #open(start: Uint8Array): ZlibStream {
    const stream = openStream(this.#encoding, start);
    this.#stream = stream;
    stream.on('data', (data: Uint8Array) => this.#keep(stream, data));
    stream.on('end', () => {
      this.#ended = true;
      this.#settle?.();
    });
    stream.on('error', (error: NodeJS.ErrnoException) => {
      this.#fail(error.code === 'Z_BUF_ERROR' ? 'truncated' : 'corrupt', error.message);
      this.#settle?.();
    });
    stream.on('close', () => this.#settle?.());
    return stream;
  }

  async #write(stream: ZlibStream, chunk: Uint8Array): Promise<Uint8Array> {
    this.#fedBytes += chunk.length;
    if (!this.#ended) {
      await this.#until((done) => stream.write(chunk, () => done()));
      // Output made by this chunk may still wait for its turn to be emitted.
      while (this.#problem === null && !this.#ended && stream.readableLength > 0) {
        await new Promise((resolve) => setImmediate(resolve));
      }
    }
    this.#checkTrailing(stream);
    return this.#take();
  }

  /** Settles when `start` says so, or when the stream ends, fails or is destroyed. */
  #until(start: (done: () => void) => void): Promise<void> {
    return new Promise((resolve) => {
      this.#settle = resolve;
      start(resolve);
    });
  }

  #keep(stream: ZlibStream, data: Uint8Array): void {
    if (this.#problem !== null) return;
    const left = this.#maxBytes - this.#producedBytes;
    const room = Math.min(left, this.#roomBytes);
    const kept = data.length > room ? data.subarray(0, room) : data;
    this.#producedBytes += kept.length;
    this.#roomBytes -= kept.length;
    if (kept.length > 0) this.#out.push(kept);
    if (kept.length < data.length) {
      this.#problem =
        room === left ? tooLarge(this.#encoding, this.#maxBytes) : tooDense(this.#encoding, this.#givenRoomBytes);
      stream.destroy();
    }
  }

  #giveRoom(roomBytes: number): void {
    this.#givenRoomBytes = roomBytes;
    this.#roomBytes = roomBytes;
  }

  #checkTrailing(stream: ZlibStream): void {
    if (this.#ended && stream.bytesWritten < this.#fedBytes)
      this.#fail('corrupt', 'bytes follow the end of the stream');
  }

  #fail(reason: DecodeProblem['reason'], message: string): void {
    this.#problem ??= { encoding: this.#encoding, reason, message };
  }

  #take(): Uint8Array {
    const out = joinBytes(this.#out);
    this.#out = [];
    return out;
  }
}

function openStream(encoding: ZlibEncoding, start: Uint8Array): ZlibStream {
  switch (encoding) {
    case 'gzip':
      return createGunzip({ chunkSize });
    case 'br':
      return createBrotliDecompress({ chunkSize });
    case 'deflate':
      return hasZlibHeader(start) ? createInflate({ chunkSize }) : createInflateRaw({ chunkSize });
  }
}

/** RFC 1950: method 8 in the low nibble, and the first two bytes a multiple of 31. Some servers send raw deflate (RFC 1951). */
function hasZlibHeader(start: Uint8Array): boolean {
  const [first = 0, second = 0] = start;
  return (first & 0x0f) === 8 && ((first << 8) | second) % 31 === 0;
}

/**
 * What decodes before a corrupt byte, to the byte: zlib gives nothing of the call in which it met the fault, so the piece
 * that holds it is fed again in smaller and smaller ones.
 */
export async function salvageZlib(bytes: Uint8Array, encoding: ZlibEncoding, maxBytes: number): Promise<Uint8Array> {
  let good = 0;
  let salvaged: Uint8Array = noBytes;
  for (const pieceSize of [16_384, 512, 16, 1]) {
    const layer = new ZlibLayer(encoding, maxBytes);
    const parts = [await layer.push(bytes.subarray(0, good), maxBytes)];
    while (layer.problem === null && good < bytes.length) {
      parts.push(await layer.push(bytes.subarray(good, good + pieceSize), maxBytes));
      if (layer.problem === null) good += pieceSize;
    }
    parts.push(await layer.end(maxBytes));
    salvaged = joinBytes(parts.filter((part) => part.length > 0));
  }
  return salvaged;
}
