// Compresses a stream event by event, so that each can be read before the next is made. For zstd each event is a frame.
import { once } from 'node:events';
import { createBrotliCompress, createDeflate, createGzip } from 'node:zlib';
import { zstdCompress } from 'http-encoding';
import type { Compression } from './answer.ts';

export interface Compressor {
  push(bytes: Buffer): Promise<Buffer>;
  end(): Promise<Buffer>;
}

export function openCompressor(compression: Compression | undefined): Compressor {
  if (compression === undefined) return { push: async (bytes) => bytes, end: async () => Buffer.alloc(0) };
  if (compression === 'zstd') {
    return { push: async (bytes) => Buffer.from(await zstdCompress(bytes)), end: async () => Buffer.alloc(0) };
  }
  const stream = zlibStream(compression);
  const made: Buffer[] = [];
  stream.on('data', (chunk: Buffer) => made.push(chunk));
  const take = (): Buffer => Buffer.concat(made.splice(0));
  return {
    push: async (bytes) => {
      stream.write(bytes);
      await new Promise<void>((resolve) => stream.flush(resolve));
      return take();
    },
    end: async () => {
      stream.end();
      await once(stream, 'end');
      return take();
    },
  };
}

function zlibStream(compression: Exclude<Compression, 'zstd'>) {
  switch (compression) {
    case 'gzip':
      return createGzip();
    case 'deflate':
      return createDeflate();
    case 'br':
      return createBrotliCompress();
  }
}
