// WebSocket frames read from bytes that pass (RFC 6455 section 5): whole messages and the first close frame. Pure, and a reader only: what it cannot make
// sense of makes it silent, what is too long it skips, and nothing that passes depends on it. Pings and pongs say nothing.
import { BytePile } from '../domain/index.ts';

export type FrameEvent =
  | { readonly type: 'message'; readonly isBinary: boolean; readonly isCompressed: boolean; readonly data: Buffer }
  /** A message, and as long as this, of which nothing was kept. */
  | { readonly type: 'tooLong'; readonly isCompressed: boolean; readonly bytes: number }
  /** `code`: 1005 where the frame has none. */
  | { readonly type: 'close'; readonly code: number; readonly reason: string };

export interface FrameReader {
  push(bytes: Buffer): FrameEvent[];
  /** From here on these are no frames. */
  isLost(): boolean;
  /** Of a message that has begun and not ended. */
  unfinishedBytes(): number;
}

/** Of one message as it passes. */
export const maxMessageBytes = 32 * 1024 * 1024;
const longestHeader = 14;

interface Frame {
  readonly opcode: number;
  readonly isLast: boolean;
  readonly mask: Buffer | null;
  readonly length: number;
  done: number;
}

interface Message {
  readonly isBinary: boolean;
  readonly isCompressed: boolean;
  bytes: number;
}

/** `mayCompress`: permessage-deflate was agreed on (RFC 7692), so that the first reserved bit means something. */
export function readFrames({ mayCompress }: { readonly mayCompress: boolean }): FrameReader {
  const header = Buffer.alloc(longestHeader);
  let headerBytes = 0;
  let frame: Frame | null = null;
  let message: Message | null = null;
  /** A pile is worth its room only for what comes in pieces: most messages come in one. */
  let only: Buffer | null = null;
  const pile = new BytePile();
  const keep = (part: Buffer): void => {
    if (only === null && pile.length === 0) {
      only = part;
      return;
    }
    if (only !== null) pile.push(only);
    only = null;
    pile.push(part);
  };
  const takeKept = (): Buffer => {
    const kept = only ?? pile.take();
    only = null;
    return kept;
  };
  let control: Buffer[] = [];
  let isLost = false;

  const lose = (): void => {
    isLost = true;
    takeKept();
    control = [];
  };
  /** Reads what the header says, once it is whole; null: more of it must come. */
  const readHeader = (): Frame | null => {
    if (headerBytes < 2) return null;
    const short = header[1]! & 0x7f;
    const isMasked = (header[1]! & 0x80) !== 0;
    const lengthBytes = short === 126 ? 2 : short === 127 ? 8 : 0;
    const size = 2 + lengthBytes + (isMasked ? 4 : 0);
    if (headerBytes < size) return null;
    const length =
      lengthBytes === 0 ? short : lengthBytes === 2 ? header.readUInt16BE(2) : Number(header.readBigUInt64BE(2));
    const mask = isMasked ? Buffer.from(header.subarray(size - 4, size)) : null;
    return { opcode: header[0]! & 0x0f, isLast: (header[0]! & 0x80) !== 0, mask, length, done: 0 };
  };
  /** Takes a frame into the message that it is part of. False: it can be no frame. */
  const begin = ({ opcode, isLast, length }: Frame): boolean => {
    const reserved = header[0]! & 0x70;
    if (!Number.isSafeInteger(length)) return false;
    if (opcode >= 8) return opcode <= 10 && isLast && length <= 125 && reserved === 0;
    if (opcode > 2 || (reserved !== 0 && !(reserved === 0x40 && mayCompress && opcode !== 0))) return false;
    if ((opcode === 0) !== (message !== null)) return false;
    message ??= { isBinary: opcode === 2, isCompressed: reserved !== 0, bytes: 0 };
    return true;
  };
  const take = (current: Frame, bytes: Buffer): void => {
    const isControl = current.opcode >= 8;
    if (!isControl) message!.bytes += bytes.length;
    if (!isControl && message!.bytes > maxMessageBytes) takeKept();
    else if (current.opcode === 8) control.push(unmask(bytes, current));
    else if (!isControl) keep(unmask(bytes, current));
    current.done += bytes.length;
  };
  const end = ({ opcode, isLast }: Frame): FrameEvent | null => {
    if (opcode === 8) return closeEvent(Buffer.concat(control.splice(0)));
    if (opcode > 8 || !isLast || message === null) return null;
    const { isBinary, isCompressed, bytes } = message;
    message = null;
    if (bytes > maxMessageBytes) return { type: 'tooLong', isCompressed, bytes };
    return { type: 'message', isBinary, isCompressed, data: takeKept() };
  };

  return {
    push(bytes) {
      const events: FrameEvent[] = [];
      for (let at = 0; ;) {
        if (isLost) break;
        if (frame === null) {
          while (frame === null && at < bytes.length) {
            header[headerBytes++] = bytes[at++]!;
            frame = readHeader();
          }
          if (frame === null) break;
          headerBytes = 0;
          if (!begin(frame)) {
            lose();
            break;
          }
        }
        const part = bytes.subarray(at, at + frame.length - frame.done);
        if (part.length > 0) take(frame, part);
        at += part.length;
        if (frame.done < frame.length) break;
        const event = end(frame);
        frame = null;
        if (event !== null) events.push(event);
      }
      return events;
    },
    isLost: () => isLost,
    unfinishedBytes: () => message?.bytes ?? 0,
  };
}

/** A copy: the bytes are on their way to somebody else. */
function unmask(bytes: Buffer, { mask, done }: Frame): Buffer {
  const plain = Buffer.from(bytes);
  if (mask === null) return plain;
  for (let at = 0; at < plain.length; at += 1) plain[at]! ^= mask[(done + at) & 3]!;
  return plain;
}

const closeEvent = (payload: Buffer): FrameEvent => ({
  type: 'close',
  code: payload.length < 2 ? 1005 : payload.readUInt16BE(0),
  reason: payload.toString('utf8', 2),
});
