// One frame of zstd (RFC 8878), as short as can be had or as long as it has to be.

/** Skippable frames (section 3.1.2): magic number, length, anything. */
export const skippableHeadBytes = 8;
/**
 * Codex compresses with level 3; the other is for a body that came out longer than it was. From 9 on the library's heap, which does not
 * grow, is too small: it aborts and prints "OOM" (http-encoding 2.2.0, Node 20).
 */
const zstdLevels = [3, 6];
/** Above this the library is not asked, for the same reason. */
const librarySafeBytes = 2 * 1024 * 1024;
const maxBlockBytes = 128 * 1024;

/** Not longer than `lengthBytes` if that can be had, and as long, unless that is null. */
export async function encodeZstd(bytes: Uint8Array, lengthBytes: number | null): Promise<Uint8Array> {
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
  return Buffer.concat([frame, skippable(missing)]);
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

/** At least 8 bytes. */
export function skippable(bytes: number): Buffer {
  const frame = Buffer.alloc(bytes);
  frame.writeUInt32LE(0x184d2a50, 0);
  frame.writeUInt32LE(bytes - skippableHeadBytes, 4);
  return frame;
}
