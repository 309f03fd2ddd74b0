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
  /** So many `*`, at the least, go into a byte. */
  readonly starsInByte: number;
  /** Can a segment be encoded again, shorter, as long as it was not taken? */
  readonly canTryAgain: boolean;
  /** How many bytes a segment will come to, or a little more, where it cannot be tried again. An encoder that has not begun may become stronger for it. */
  foresee(text: Uint8Array, roomBytes: number): number;
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

/** Null: an encoding that cannot be written so. `start`: the first bytes of the body as it was. `isStrong`: short from its beginning on. */
export function openSegmentEncoder(encoding: string, start: Uint8Array, isStrong = false): SegmentEncoder | null {
  switch (encoding.trim().toLowerCase().replace(/^x-/, '')) {
    case 'zstd':
      return zstdSegments(isStrong);
    case 'gzip':
      return deflateSegments('gzip', isStrong);
    case 'deflate': {
      // RFC 1950; some servers send raw deflate.
      const [first = 0, second = 0] = start;
      const isZlib = (first & 0x0f) === 8 && ((first << 8) | second) % 31 === 0;
      return deflateSegments(isZlib || start.length === 0 ? 'zlib' : 'raw', isStrong);
    }
    case 'br':
      return brotliStream(isStrong);
    default:
      return null;
  }
}
