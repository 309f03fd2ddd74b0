// WebSocket frames as bytes, also those that no client of a library would send.
export interface FrameOptions {
  readonly opcode: number;
  readonly payload?: Uint8Array | string;
  /** Default: the last of its message. */
  readonly isLast?: boolean;
  /** permessage-deflate's bit. */
  readonly isCompressed?: boolean;
  /** A key of four bytes, as what a client sends has one. */
  readonly mask?: Uint8Array;
  /** What the header says instead of the payload's own length. */
  readonly saysBytes?: number;
}

export function frame(options: FrameOptions): Buffer {
  const { opcode, payload = '', isLast = true, isCompressed = false, mask } = options;
  const data = Buffer.from(payload as Uint8Array);
  const length = options.saysBytes ?? data.length;
  const first = (isLast ? 0x80 : 0) | (isCompressed ? 0x40 : 0) | opcode;
  const masked = mask === undefined ? 0 : 0x80;
  let head = Buffer.of(first, masked | length);
  if (length > 0xffff) {
    head = Buffer.alloc(10);
    head.writeBigUInt64BE(BigInt(length), 2);
  } else if (length > 125) {
    head = Buffer.alloc(4);
    head.writeUInt16BE(length, 2);
  }
  if (length > 125) {
    head[0] = first;
    head[1] = masked | (length > 0xffff ? 127 : 126);
  }
  if (mask === undefined) return Buffer.concat([head, data]);
  for (let at = 0; at < data.length; at += 1) data[at]! ^= mask[at & 3]!;
  return Buffer.concat([head, mask, data]);
}

/** A message in frames of at most `partBytes`. */
export function message(
  payload: Uint8Array | string,
  { isBinary = false, partBytes = Infinity, ...rest }: { isBinary?: boolean; partBytes?: number } & Partial<FrameOptions> = {}, // prettier-ignore
): Buffer {
  const data = Buffer.from(payload as Uint8Array);
  const frames: Buffer[] = [];
  let at = 0;
  do {
    const isFirst = at === 0;
    const part = data.subarray(at, Math.min(data.length, at + partBytes));
    at += part.length;
    const opcode = isFirst ? (isBinary ? 2 : 1) : 0;
    frames.push(frame({ ...rest, opcode, payload: part, isLast: at >= data.length, isCompressed: isFirst && rest.isCompressed === true })); // prettier-ignore
  } while (at < data.length);
  return Buffer.concat(frames);
}
