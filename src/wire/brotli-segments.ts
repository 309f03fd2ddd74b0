// Brotli in segments (RFC 7932): one encoder, flushed behind each, so that it stands on a byte; an empty metadata block of one byte is padding.
// A segment builds on all before it, so what is left out is left out for good: from there on there is filler only.
import { brotliCompressSync, constants, createBrotliCompress } from 'node:zlib';

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

/** 5 and 6 are what servers take for what they make at once, 11 for files; of a megabyte they take 40 ms, 300 ms and 2 s. */
export const qualities = [6, 9, 11] as const;
/** The strongest one is worth its time where it comes to this much, compared with the one before. */
const worthIt = 0.995;
/** Of so little text all are tried. */
const smallBytes = 64 * 1024;

type Quality = (typeof qualities)[number];

const paramsOf = (quality: Quality): { params: Record<number, number> } => ({
  params: {
    [constants.BROTLI_PARAM_QUALITY]: quality,
    [constants.BROTLI_PARAM_LGWIN]: 24,
    // From 1 MiB on it looks for longer matches.
    [constants.BROTLI_PARAM_SIZE_HINT]: 64 * 1024 * 1024,
  },
});

/** In one piece, at its quality and in this many bytes. Null: it has no room. */
export function brotliWhole(text: Uint8Array, quality: Quality, lengthBytes: number): Buffer | null {
  // A window of 64 KiB is said in one bit (section 9.1), others in four or more.
  const params = { ...paramsOf(quality).params, [constants.BROTLI_PARAM_LGWIN]: text.length < 65_000 ? 16 : 24 };
  const flushed = brotliCompressSync(text, { params, finishFlush: constants.BROTLI_OPERATION_FLUSH });
  if (flushed.length < lengthBytes) return Buffer.concat([flushed, endOf(lengthBytes - flushed.length)]);
  const finished = brotliCompressSync(text, { params });
  return finished.length === lengthBytes ? finished : null;
}

const endOf = (bytes: number): Buffer =>
  Buffer.concat([Buffer.alloc(bytes - 1, emptyMetadata), Buffer.from([lastEmpty])]);

export function brotliStream(isStrong: boolean): SegmentEncoder {
  let quality: Quality = isStrong ? 11 : 6;
  let flushed: ReturnType<typeof openStream> | null = null;
  const sizeOf = (text: Uint8Array, at: Quality): number =>
    brotliCompressSync(text, { ...paramsOf(at), finishFlush: constants.BROTLI_OPERATION_FLUSH }).length;
  return {
    head,
    leastEndBytes: 1,
    maxTextBytes: 2 * 1024 * 1024,
    starsInByte: 100_000,
    canTryAgain: false,
    // By itself a segment comes to a little more than behind others; of the first one this is its length.
    foresee(text, roomBytes) {
      let bytes = sizeOf(text, quality);
      if (flushed !== null || isStrong) return bytes;
      // The first one tells how well the body was compressed. A stream cannot change its quality later, and later it counts for more.
      for (const [stronger, enough] of [[9, 0.93], [11, 1.02]] as const) {
        if (bytes <= roomBytes * enough) break;
        const fewer = sizeOf(text, stronger);
        if (stronger === 11 && fewer > bytes * worthIt && text.length > smallBytes) break;
        if (fewer < bytes) [quality, bytes] = [stronger, fewer];
      } // prettier-ignore
      return bytes;
    },
    encode(text) {
      flushed ??= openStream(quality);
      return flushed.encode(text);
    },
    take: () => undefined,
    filler: (bytes) => fillerBlock(bytes),
    padding: (bytes) => Buffer.alloc(bytes, emptyMetadata),
    end(bytes) {
      flushed?.close();
      return endOf(bytes);
    },
  };
}

function openStream(quality: Quality): { encode(text: Uint8Array): Promise<Buffer>; close(): void } {
  const stream = createBrotliCompress(paramsOf(quality));
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
    async encode(text) {
      await begun;
      stream.write(text);
      return flush();
    },
    close: () => void stream.destroy(),
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
