// zstd in segments: a frame each, and frames to be skipped as padding (RFC 8878, sections 3.1.1 and 3.1.2).
import { noBytes } from './layer.ts';
import type { SegmentEncoder } from './segment-encoder.ts';
import { encodeZstd, skippable, skippableHeadBytes } from './zstd-frame.ts';

export function zstdSegments(isAlwaysStrong: boolean): SegmentEncoder {
  return {
    head: noBytes,
    leastEndBytes: skippableHeadBytes,
    maxTextBytes: 2 * 1024 * 1024,
    starsInByte: 1000,
    canTryAgain: true,
    // A length that no frame can have asks for the shortest one.
    encode: (text, isStrong) => encodeZstd(text, isStrong || isAlwaysStrong ? 0 : null),
    foresee: ({ length }) => length,
    take: () => undefined,
    filler: () => noBytes,
    padding: (bytes) => (bytes < skippableHeadBytes ? noBytes : skippable(bytes)),
    end: skippable,
  };
}
