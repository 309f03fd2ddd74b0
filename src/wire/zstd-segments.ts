// zstd in segments: a frame each, and frames to be skipped as padding (RFC 8878, sections 3.1.1 and 3.1.2).
import { encodeBody } from './encode-body.ts';
import { noBytes } from './layer.ts';
import type { SegmentEncoder } from './segment-encoder.ts';

const skippableHeadBytes = 8;

export function zstdSegments(): SegmentEncoder {
  return {
    head: noBytes,
    leastEndBytes: skippableHeadBytes,
    maxTextBytes: 2 * 1024 * 1024,
    canTryAgain: true,
    async encode(text, isStrong) {
      // A length that no frame can have asks for the shortest one.
      const encoded = await encodeBody(text, 'zstd', isStrong ? 0 : null);
      return encoded?.bytes ?? noBytes;
    },
    take: () => undefined,
    filler: () => noBytes,
    padding: (bytes) => (bytes < skippableHeadBytes ? noBytes : skippable(bytes)),
    end: skippable,
  };
}

function skippable(bytes: number): Buffer {
  const frame = Buffer.alloc(bytes);
  frame.writeUInt32LE(0x184d2a50, 0);
  frame.writeUInt32LE(bytes - skippableHeadBytes, 4);
  return frame;
}
