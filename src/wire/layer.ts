// What every undoing of one content encoding looks like: chunks in, decoded chunks out, and a fault told as a value.

/** Why a body could not be decoded to its end; what decoded before is kept. */
export interface DecodeProblem {
  readonly encoding: string;
  readonly reason: 'truncated' | 'corrupt' | 'unsupported' | 'too-large';
  readonly message: string;
}

/** One layer. After a problem it takes no more input and gives no more output. */
export interface Layer {
  readonly problem: DecodeProblem | null;
  /** `roomBytes`: the most that may come of this chunk. */
  push(chunk: Uint8Array, roomBytes: number): Promise<Uint8Array>;
  end(roomBytes: number): Promise<Uint8Array>;
}

export const noBytes = new Uint8Array(0);

/** Joins without copying where there is nothing to join. */
export function joinBytes(parts: readonly Uint8Array[]): Uint8Array {
  if (parts.length === 0) return noBytes;
  if (parts.length === 1) return parts[0] ?? noBytes;
  return Buffer.concat(parts);
}

export function tooLarge(encoding: string, maxBytes: number): DecodeProblem {
  return { encoding, reason: 'too-large', message: `decodes to more than ${maxBytes} bytes` };
}

export function tooDense(encoding: string, roomBytes: number): DecodeProblem {
  return { encoding, reason: 'too-large', message: `decodes to more than ${roomBytes} bytes at once` };
}
