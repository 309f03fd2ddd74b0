// The header of a zstd frame (RFC 8878, 3.1.1.1): read once all of it is there.

export interface FrameHeader {
  readonly type: 'frame';
  readonly headerBytes: number;
  readonly windowBytes: number;
  /** Null where the frame does not say. */
  readonly contentBytes: number | null;
  readonly hasChecksum: boolean;
  readonly dictionaryId: number;
}

/** `wait`: more bytes are needed. `skip`: a frame of the user's own data, to be passed over. */
export type FrameStart =
  | FrameHeader
  | { readonly type: 'skip'; readonly bytes: number }
  | { readonly type: 'wait' }
  | { readonly type: 'malformed'; readonly message: string };

const magic = [0x28, 0xb5, 0x2f, 0xfd];

export function readFrameStart(bytes: Uint8Array, at: number, end: number): FrameStart {
  const given = end - at;
  const isSkippable = startsWith(bytes, at, end, [null, 0x2a, 0x4d, 0x18]) && (bytes[at] ?? 0x50) >>> 4 === 5;
  if (!isSkippable && !startsWith(bytes, at, end, magic))
    return { type: 'malformed', message: 'this is no zstd frame' };
  if (given < 5) return { type: 'wait' };
  if (bytes[at] !== magic[0]) {
    return given < 8 ? { type: 'wait' } : { type: 'skip', bytes: 8 + readLittle(bytes, at + 4, 4) };
  }
  const descriptor = bytes[at + 4] ?? 0;
  if ((descriptor & 8) !== 0) return { type: 'malformed', message: 'a reserved bit of the frame header is set' };
  const isSingleSegment = (descriptor & 0x20) !== 0;
  const dictionaryAt = at + 5 + (isSingleSegment ? 0 : 1);
  const contentAt = dictionaryAt + ([0, 1, 2, 4][descriptor & 3] ?? 0);
  const contentField = [isSingleSegment ? 1 : 0, 2, 4, 8][descriptor >>> 6] ?? 0;
  const headerBytes = contentAt + contentField - at;
  if (given < headerBytes) return { type: 'wait' };
  const contentBytes =
    contentField === 0 ? null : readLittle(bytes, contentAt, contentField) + (contentField === 2 ? 256 : 0);
  return {
    type: 'frame',
    headerBytes,
    windowBytes: isSingleSegment ? (contentBytes ?? 0) : readWindow(bytes[at + 5] ?? 0),
    contentBytes,
    hasChecksum: (descriptor & 4) !== 0,
    dictionaryId: readLittle(bytes, dictionaryAt, contentAt - dictionaryAt),
  };
}

function readWindow(descriptor: number): number {
  const base = 2 ** (10 + (descriptor >>> 3));
  return base + (base / 8) * (descriptor & 7);
}

/** As far as there are bytes; null stands for any. */
function startsWith(bytes: Uint8Array, at: number, end: number, pattern: readonly (number | null)[]): boolean {
  return pattern.every((byte, index) => at + index >= end || byte === null || bytes[at + index] === byte);
}

function readLittle(bytes: Uint8Array, at: number, length: number): number {
  let value = 0;
  for (let index = length - 1; index >= 0; index -= 1) value = value * 256 + (bytes[at + index] ?? 0);
  return value;
}
