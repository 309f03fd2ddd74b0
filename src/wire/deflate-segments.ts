// deflate in segments (RFC 1951): blocks that end on a byte, each with the 32 KiB before it as its dictionary; empty blocks are padding. With
// the head and the sum of gzip (RFC 1952), of zlib (RFC 1950), or raw.
import { constants, crc32, deflateRawSync } from 'node:zlib';

import { noBytes } from './layer.ts';
import type { SegmentEncoder } from './segment-encoder.ts';

const windowBytes = 32 * 1024;
/** A stored block of nothing. */
const emptyStored = Buffer.from([0, 0, 0, 0xff, 0xff]);
/** What ends the stream, by its length: empty blocks with fixed codes (10 bits each), or a stored one behind such a block. */
const endings: Readonly<Record<number, readonly number[]>> = {
  2: [0x03, 0x00],
  3: [0x02, 0x0c, 0x00],
  4: [0x02, 0x08, 0x30, 0x00],
  5: [0x01, 0x00, 0x00, 0xff, 0xff],
  6: [0x02, 0x04, 0x00, 0x00, 0xff, 0xff],
};

export function deflateSegments(format: 'gzip' | 'zlib' | 'raw', isAlwaysStrong: boolean): SegmentEncoder {
  let window: Uint8Array = noBytes;
  let [sum, textBytes] = [format === 'zlib' ? 1 : 0, 0];
  const trailer = (): Buffer => {
    if (format === 'raw') return Buffer.alloc(0);
    const bytes = Buffer.alloc(format === 'gzip' ? 8 : 4);
    if (format === 'zlib') bytes.writeUInt32BE(sum, 0);
    else {
      bytes.writeUInt32LE(sum, 0);
      bytes.writeUInt32LE(textBytes % 2 ** 32, 4);
    }
    return bytes;
  };
  const padding = (bytes: number): Buffer =>
    Buffer.alloc(bytes - (bytes % emptyStored.length), bytes < emptyStored.length ? 0 : emptyStored);
  return {
    head: Buffer.from({ gzip: [0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 255], zlib: [0x78, 0x9c], raw: [] }[format]),
    leastEndBytes: 2 + trailer().length,
    maxTextBytes: 2 * 1024 * 1024,
    // 1,032 are the most (258 in two bits).
    starsInByte: 1000,
    canTryAgain: true,
    encode(text, isStrong) {
      const dictionary = window.length === 0 ? {} : { dictionary: window };
      const options = { level: isStrong || isAlwaysStrong ? 9 : 6, memLevel: 9, finishFlush: constants.Z_SYNC_FLUSH };
      return Promise.resolve(deflateRawSync(text, { ...dictionary, ...options }));
    },
    foresee: ({ length }) => length,
    take(text) {
      window =
        text.length >= windowBytes
          ? Buffer.from(text.subarray(-windowBytes))
          : Buffer.concat([window, text]).subarray(-windowBytes);
      sum = format === 'gzip' ? crc32(text, sum) : format === 'zlib' ? adler32(text, sum) : 0;
      textBytes += text.length;
    },
    filler: () => noBytes,
    padding,
    end(bytes) {
      const room = bytes - trailer().length;
      const last = Buffer.from(endings[2 + ((room - 2) % 5)] ?? []);
      return Buffer.concat([padding(room - last.length), last, trailer()]);
    },
  };
}

/** RFC 1950, section 8.2; 3,800 bytes are the most before the sums must be cut. */
function adler32(bytes: Uint8Array, before: number): number {
  let [a, b] = [before & 0xffff, before >>> 16];
  for (let at = 0; at < bytes.length;) {
    for (const end = Math.min(bytes.length, at + 3800); at < end; at += 1) {
      a += bytes[at]!;
      b += a;
    }
    a %= 65_521;
    b %= 65_521;
  }
  return b * 65_536 + a;
}
