// How bytes are packed; each row says how. What is large: brotli at quality 4, measured on 63 kB of a Codex request: 23.7 kB in 0.9 ms
// (deflate 6: 23.1 kB in 1.2 ms; brotli 9: 22.2 kB in 16 ms). What is small: deflate with a dictionary of what such bytes share (figures
// in bench/README.md). What would not shrink is kept plain.
import { promisify } from 'node:util';
import {
  brotliCompress,
  brotliDecompress,
  constants,
  deflateRaw,
  deflateRawSync,
  inflateRaw,
  inflateRawSync,
} from 'node:zlib';
import type { ZlibOptions } from 'node:zlib';

import { dictionary1 } from './dictionary.ts';

/** deflate-1: raw deflate (RFC 1951) with the dictionary of that number. */
export type BodyStorage = 'brotli' | 'deflate-1' | 'plain';

export interface PackedBody {
  readonly storage: BodyStorage;
  readonly data: Uint8Array;
}

// Above this the dictionary gains less than brotli does. Up to it, packing is done at once: 50 us for 1 kB, where asking another thread for it takes 150
// more.
const smallBytes = 8192;

const compress = promisify(brotliCompress);
const decompress = promisify(brotliDecompress);
const deflate: (bytes: Uint8Array, options: object) => Promise<Buffer> = promisify(deflateRaw);
const inflate: (bytes: Uint8Array, options: object) => Promise<Buffer> = promisify(inflateRaw);

export async function packBody(bytes: Uint8Array): Promise<PackedBody> {
  if (bytes.length === 0) return { storage: 'plain', data: bytes };
  const packed: PackedBody =
    bytes.length <= smallBytes
      ? { storage: 'deflate-1', data: await packSmall(bytes) }
      : {
          storage: 'brotli',
          data: await compress(bytes, {
            params: {
              [constants.BROTLI_PARAM_QUALITY]: 4,
              [constants.BROTLI_PARAM_MODE]: constants.BROTLI_MODE_TEXT,
              [constants.BROTLI_PARAM_SIZE_HINT]: bytes.length,
            },
          }),
        };
  return packed.data.length < bytes.length ? packed : { storage: 'plain', data: bytes };
}

/** What is always kept as deflate-1. */
export async function packSmall(bytes: Uint8Array): Promise<Uint8Array> {
  const options = { dictionary: dictionary1, level: 9 };
  return bytes.length <= smallBytes ? deflateAtOnce(bytes, options) : deflate(bytes, options);
}

/** Its buffer is made for what comes out: zlib's own has 16 kB, and is kept whole for as long as the row waits. */
export const deflateAtOnce = (bytes: Uint8Array, options: ZlibOptions): Uint8Array =>
  deflateRawSync(bytes, { ...options, chunkSize: bytes.length + 64 });

export async function unpackBody({ storage, data }: PackedBody): Promise<Uint8Array> {
  switch (storage) {
    case 'plain':
      return data;
    case 'brotli':
      return decompress(data);
    case 'deflate-1':
      return data.length <= smallBytes
        ? inflateRawSync(data, { dictionary: dictionary1 })
        : inflate(data, { dictionary: dictionary1 });
    default:
      throw new Error(`packed in a way that is not known: ${storage satisfies never as string}`);
  }
}
