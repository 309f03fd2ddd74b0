// Puts a body back under the content encodings that its header names, and, where that can be done, at a length that was given: padding
// that a decoder skips stands for what became shorter. Used to write dumps of masked bodies whose content-length stays true.
import { brotliCompressSync, constants, deflateSync, gzipSync } from 'node:zlib';

export interface EncodedBody {
  readonly bytes: Uint8Array;
  /** False: the length that was asked for could not be had. */
  readonly hasLength: boolean;
}

/** A skippable frame (RFC 8878, section 3.1.2): magic number, length, anything. */
const skippableMagic = 0x184d2a50;
const skippableHeadBytes = 8;
/**
 * Codex compresses with level 3; the other is for a body that came out longer than it was. From 9 on the library's heap, which does not
 * grow, is too small: it aborts and prints "OOM" (http-encoding 2.2.0, Node 20).
 */
const zstdLevels = [3, 6];
/** Above this the library is not asked, for the same reason. */
const librarySafeBytes = 2 * 1024 * 1024;
const maxBlockBytes = 128 * 1024;

/** Null where an encoding is not known. `lengthBytes`: what it should come to; null where any will do. */
export async function encodeBody(
  decoded: Uint8Array,
  contentEncoding: string | null,
  lengthBytes: number | null,
): Promise<EncodedBody | null> {
  const names = (contentEncoding ?? '')
    .split(',')
    .map((name) => name.trim().toLowerCase().replace(/^x-/, ''))
    .filter((name) => name !== '' && name !== 'identity' && name !== 'none');
  let bytes = decoded;
  for (const [at, name] of names.entries()) {
    const wanted = at === names.length - 1 ? lengthBytes : null;
    const encoded = await encodeLayer(bytes, name, wanted);
    if (encoded === null) return null;
    bytes = encoded;
  }
  return { bytes, hasLength: lengthBytes === null || bytes.length === lengthBytes };
}

async function encodeLayer(bytes: Uint8Array, name: string, lengthBytes: number | null): Promise<Uint8Array | null> {
  switch (name) {
    case 'zstd':
      return encodeZstd(bytes, lengthBytes);
    case 'gzip':
      return encodeGzip(bytes, lengthBytes);
    case 'deflate':
      return deflateSync(bytes);
    case 'br':
      return brotliCompressSync(bytes, { params: { [constants.BROTLI_PARAM_QUALITY]: 5 } });
    default:
      return null;
  }
}

async function encodeZstd(bytes: Uint8Array, lengthBytes: number | null): Promise<Uint8Array> {
  let shortest: Uint8Array = storeZstd(bytes);
  if (bytes.length > librarySafeBytes || bytes.length === 0) return lengthenZstd(shortest, lengthBytes);
  const { zstdCompress } = await import('http-encoding');
  for (const level of zstdLevels) {
    const encoded = await zstdCompress(bytes, level).catch(() => shortest);
    if (encoded.length < shortest.length) shortest = encoded;
    if (lengthBytes === null || shortest.length <= lengthBytes) break;
  }
  return lengthenZstd(shortest, lengthBytes);
}

/** The same frame in as many bytes as are wanted, if that is more than it has. */
function lengthenZstd(frame: Uint8Array, lengthBytes: number | null): Uint8Array {
  const missing = lengthBytes === null ? 0 : lengthBytes - frame.length;
  if (missing <= 0) return frame;
  if (missing < skippableHeadBytes) return stretchZstd(frame, missing);
  const padding = Buffer.alloc(missing);
  padding.writeUInt32LE(skippableMagic, 0);
  padding.writeUInt32LE(missing - skippableHeadBytes, 4);
  return Buffer.concat([frame, padding]);
}

/** A dictionary id of zero, which means none (section 3.1.1.1.3), takes one or two bytes; an empty block takes three. */
function stretchZstd(frame: Uint8Array, missing: number): Uint8Array {
  const descriptor = frame[4] ?? 0;
  const isSingleSegment = (descriptor & 0x20) !== 0;
  const sizeFlag = descriptor >> 6;
  const sizeBytes = sizeFlag === 0 ? (isSingleSegment ? 1 : 0) : 1 << sizeFlag;
  const idAt = 5 + (isSingleSegment ? 0 : 1);
  const idBytes = missing % 3;
  const head = Buffer.concat([frame.subarray(0, idAt), Buffer.alloc(idBytes), frame.subarray(idAt, idAt + sizeBytes)]);
  head[4] = descriptor | idBytes;
  return Buffer.concat([head, Buffer.alloc(missing - idBytes), frame.subarray(idAt + sizeBytes)]);
}

/** A frame of blocks that are not compressed (RFC 8878, section 3.1.1). */
function storeZstd(bytes: Uint8Array): Uint8Array {
  const head = Buffer.alloc(13);
  head.writeUInt32LE(0xfd2fb528, 0);
  head[4] = 0xe0; // a content size of eight bytes, one segment
  head.writeBigUInt64LE(BigInt(bytes.length), 5);
  const parts: Uint8Array[] = [head];
  let at = 0;
  do {
    const block = bytes.subarray(at, at + maxBlockBytes);
    at += block.length;
    const isLast = at >= bytes.length ? 1 : 0;
    const blockHead = Buffer.alloc(3);
    blockHead.writeUIntLE((block.length << 3) | isLast, 0, 3);
    parts.push(blockHead, block);
  } while (at < bytes.length);
  return Buffer.concat(parts);
}

/** A gzip head may hold a comment (RFC 1952, section 2.3): it takes up what is left. */
function encodeGzip(bytes: Uint8Array, lengthBytes: number | null): Uint8Array {
  const usual = gzipSync(bytes);
  const encoded = lengthBytes !== null && usual.length > lengthBytes ? gzipSync(bytes, { level: 9 }) : usual;
  const missing = lengthBytes === null ? 0 : lengthBytes - encoded.length;
  if (missing <= 0) return encoded;
  const head = Buffer.from(encoded.subarray(0, 10));
  head[3] = 0x10;
  return Buffer.concat([head, Buffer.alloc(missing - 1, '*'), Buffer.alloc(1), encoded.subarray(10)]);
}
