// Brotli in segments (RFC 7932): one encoder, flushed behind each, so that it stands on a byte; an empty metadata block of one byte is padding.
// A segment builds on all before it, so what is left out is left out for good: from there on there is filler only.
import { constants, createBrotliCompress } from 'node:zlib';

import type { SegmentEncoder } from './segment-encoder.ts';

/** A window of 16 MiB, and an empty block up to the next byte (section 9.1). */
const head = Buffer.from([0x6f, 0x00]);
/** Section 9.2: not the last, no length, no bytes to skip. */
const emptyMetadata = 0x06;
/** The last block, and empty. */
const lastEmpty = 0x03;
/** Insert lengths (section 5): where each code begins, and how many bits more it has. */
const insertCodes = [
  [1, 0], [2, 0], [3, 0], [4, 0], [5, 0], [6, 1], [8, 1], [10, 2], [14, 2], [18, 3], [26, 3], [34, 4], [50, 4], [66, 5],
  [98, 5], [130, 6], [194, 7], [322, 8], [578, 9], [1090, 10], [2114, 12], [6210, 14], [22_594, 24],
] as const; // prettier-ignore

export function brotliStream(): SegmentEncoder {
  const stream = createBrotliCompress({
    params: {
      [constants.BROTLI_PARAM_QUALITY]: 6,
      [constants.BROTLI_PARAM_LGWIN]: 24,
      // From 1 MiB on it looks for longer matches.
      [constants.BROTLI_PARAM_SIZE_HINT]: 64 * 1024 * 1024,
    },
  });
  const parts: Uint8Array[] = [];
  stream.on('data', (part: Uint8Array) => parts.push(part));
  const flush = (): Promise<Buffer> =>
    new Promise((resolve, reject) => {
      stream.once('error', reject);
      stream.flush(constants.BROTLI_OPERATION_FLUSH, () => {
        stream.off('error', reject);
        // What was made may still wait for its turn to be emitted.
        const give = (): void =>
          stream.readableLength > 0 ? void setImmediate(give) : resolve(Buffer.concat(parts.splice(0)));
        setImmediate(give);
      });
    });
  // Of nothing it gives the window and an empty block: those are the head.
  const begun = flush();
  return {
    head,
    leastEndBytes: 1,
    maxTextBytes: 1024 * 1024,
    canTryAgain: false,
    async encode(text) {
      await begun;
      stream.write(text);
      return flush();
    },
    take: () => undefined,
    filler: (bytes) => fillerBlock(bytes),
    padding: (bytes) => Buffer.alloc(bytes, emptyMetadata),
    end(bytes) {
      stream.destroy();
      return Buffer.concat([Buffer.alloc(bytes - 1, emptyMetadata), Buffer.from([lastEmpty])]);
    },
  };
}

/** A block (section 9.2) of one command that inserts stars: each of its three codes has one symbol, which takes no bits. At most 16 MiB. */
function fillerBlock(bytes: number): Buffer {
  const code = insertCodes.findLastIndex(([first]) => first <= bytes);
  const [first, extraBits] = insertCodes[code]!;
  const insert = code + 1;
  // Section 5: the symbols of insert codes with copy code 0, and a distance that is said.
  const symbol = insert < 8 ? 128 + insert * 8 : insert < 16 ? 256 + (insert - 8) * 8 : 448 + (insert - 16) * 8;
  const nibbles = bytes > 2 ** 20 ? 6 : bytes > 2 ** 16 ? 5 : 4;
  const fields: (readonly [value: number, bits: number])[] = [
    [0, 1], // not the last
    [nibbles - 4, 2],
    [bytes - 1, nibbles * 4],
    [0, 1], // compressed
    [0, 3], // one type of block each
    [0, 6], // distances: no postfix, none direct
    [0, 2], // the context mode
    [0, 2], // one tree each
    [1, 2], [0, 2], [0x2a, 8], // literals: `*`
    [1, 2], [0, 2], [symbol, 10],
    [1, 2], [0, 2], [0, 6],
    [bytes - first, extraBits],
    [emptyMetadata, 6], // and on to the next byte
  ]; // prettier-ignore
  const length = fields.reduce((sum, [, bits]) => sum + bits, 0);
  const block = Buffer.alloc(Math.ceil(length / 8));
  let at = 0;
  for (const [value, bits] of fields) {
    for (let bit = 0; bit < bits; bit += 1, at += 1) if ((value >>> bit) & 1) block[at >>> 3]! |= 1 << (at & 7);
  }
  return block;
}
