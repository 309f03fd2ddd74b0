// A content encoding written piece by piece: segments of text, padding that a decoder skips between them, and an end of a given length. All of
// it stands on whole bytes. What it is for: a body of any length, changed on its way, that keeps its encoding and its length.
import { brotliStream } from './brotli-segments.ts';
import { deflateSegments } from './deflate-segments.ts';
import { zstdSegments } from './zstd-segments.ts';

export interface SegmentEncoder {
  /** What stands before the first segment. */
  readonly head: Uint8Array;
  /** What the end takes at the least, in bytes. */
  readonly leastEndBytes: number;
  /** The most that a segment may hold, in bytes of text. */
  readonly maxTextBytes: number;
  /** Can a segment be encoded again, shorter, as long as it was not taken? */
  readonly canTryAgain: boolean;
  /** The segment that follows what was taken. `isStrong`: as short as can be, though it takes longer. */
  encode(text: Uint8Array, isStrong: boolean): Promise<Uint8Array>;
  /** This text, so encoded, is part of the body now. */
  take(text: Uint8Array, encoded: Uint8Array): void;
  /** As many bytes of `*` in few bytes, in place of a segment that cannot be tried again. From then on all must be filler. */
  filler(bytes: number): Uint8Array;
  /** As long as can be, and not longer than this. */
  padding(bytes: number): Uint8Array;
  /** Exactly so long. */
  end(bytes: number): Uint8Array;
}

/** Null: an encoding that cannot be written so. `start`: the first bytes of the body as it was. */
export function openSegmentEncoder(encoding: string, start: Uint8Array): SegmentEncoder | null {
  switch (encoding.trim().toLowerCase().replace(/^x-/, '')) {
    case 'zstd':
      return zstdSegments();
    case 'gzip':
      return deflateSegments('gzip');
    case 'deflate': {
      // RFC 1950; some servers send raw deflate.
      const [first = 0, second = 0] = start;
      const isZlib = (first & 0x0f) === 8 && ((first << 8) | second) % 31 === 0;
      return deflateSegments(isZlib ? 'zlib' : 'raw');
    }
    case 'br':
      return brotliStream();
    default:
      return null;
  }
}
