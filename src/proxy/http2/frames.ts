// Frames of HTTP/2 cut out of bytes that pass (RFC 9113 section 4). What a body is comes in pieces as it passes, what has to be understood
// comes whole, and the rest is skipped. Pure, and a reader only: what no receiver would take makes it silent (`isLost`).
import { BytePile } from '../../domain/index.ts';

export const frameTypes = {
  data: 0,
  headers: 1,
  reset: 3,
  settings: 4,
  promise: 5,
  goAway: 7,
  continuation: 9,
} as const;

export const frameFlags = { endStream: 1, ack: 1, endHeaders: 4, padded: 8, priority: 32 } as const;

export type FrameEvent =
  /** One of those that have to be understood. */
  | {
      readonly type: 'frame';
      readonly kind: number;
      readonly flags: number;
      readonly streamId: number;
      readonly payload: Buffer;
    }
  /** A piece of a body, by reference. Never empty. */
  | { readonly type: 'data'; readonly streamId: number; readonly data: Buffer }
  /** The last of a body has come: the stream's half is over. */
  | { readonly type: 'end'; readonly streamId: number };

export interface FrameReader {
  push(bytes: Buffer): FrameEvent[];
  /** The receiver takes frames of this length (SETTINGS_MAX_FRAME_SIZE). */
  allowFrame(sizeBytes: number): void;
  isLost(): boolean;
  lose(): void;
}

const preface = Buffer.from('PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n', 'latin1');
const headBytes = 9;
const firstFrameBytes = 16_384;
/** A frame that has to be understood is kept until it is whole. */
const maxKeptBytes = 1024 * 1024;

interface Head {
  readonly length: number;
  readonly kind: number;
  readonly flags: number;
  readonly streamId: number;
}

type State =
  | { readonly type: 'preface' | 'head' | 'lost' }
  | { readonly type: 'kept'; readonly head: Head; readonly pile: BytePile }
  | { readonly type: 'padLength'; readonly head: Head }
  | { readonly type: 'data'; readonly head: Head; left: number; readonly padding: number }
  | { readonly type: 'skip'; left: number; readonly endsStream: number | null };

const understood: ReadonlySet<number> = new Set(Object.values(frameTypes));

/** `hasPreface`: what an agent sends begins with it (RFC 9113 section 3.4). */
export function readFrames({ hasPreface }: { readonly hasPreface: boolean }): FrameReader {
  let state: State = { type: hasPreface ? 'preface' : 'head' };
  /** What has come of a preface or a head that is not whole yet. */
  let held: Buffer = Buffer.alloc(0);
  let maxFrameBytes = firstFrameBytes;
  let isFirst = true;

  const lose = (): null => {
    state = { type: 'lost' };
    held = Buffer.alloc(0);
    return null;
  };
  /** The next `length` bytes, once they are there; then what is behind them is set in `rest`. */
  let rest: Buffer = held;
  const take = (bytes: Buffer, length: number): Buffer | null => {
    const whole = held.length === 0 ? bytes : Buffer.concat([held, bytes]);
    held = whole.length < length ? Buffer.from(whole) : Buffer.alloc(0);
    rest = whole.subarray(length);
    return whole.length < length ? null : whole.subarray(0, length);
  };
  const endFrame = (streamId: number | null, events: FrameEvent[]): void => {
    state = { type: 'head' };
    if (streamId !== null) events.push({ type: 'end', streamId });
  };
  const skip = (left: number, endsStream: number | null, events: FrameEvent[]): void => {
    if (left === 0) endFrame(endsStream, events);
    else state = { type: 'skip', left, endsStream };
  };
  const endedBy = ({ flags, streamId }: Head): number | null =>
    (flags & frameFlags.endStream) === 0 ? null : streamId;
  const beginData = (head: Head, padding: number, events: FrameEvent[]): void => {
    const left = head.length - padding - ((head.flags & frameFlags.padded) === 0 ? 0 : 1);
    if (left < 0) lose();
    else if (left === 0) skip(padding, endedBy(head), events);
    else state = { type: 'data', head, left, padding };
  };
  const begin = (head: Head, events: FrameEvent[]): void => {
    const { kind, flags, length } = head;
    if (length > maxFrameBytes || (isFirst && kind !== frameTypes.settings)) return void lose();
    isFirst = false;
    if (kind === frameTypes.data) {
      if (head.streamId === 0) lose();
      else if ((flags & frameFlags.padded) === 0) beginData(head, 0, events);
      else if (length === 0) lose();
      else state = { type: 'padLength', head };
    } else if (!understood.has(kind)) skip(length, null, events);
    else if (length > maxKeptBytes) lose();
    else if (length === 0) keepFrame(head, Buffer.alloc(0), events);
    else state = { type: 'kept', head, pile: new BytePile() };
  };
  const keepFrame = ({ kind, flags, streamId }: Head, payload: Buffer, events: FrameEvent[]): void => {
    state = { type: 'head' };
    events.push({ type: 'frame', kind, flags, streamId, payload });
  };

  /** Reads one thing. What is left of the bytes; null: nothing. */
  const step = (bytes: Buffer, events: FrameEvent[]): Buffer | null => {
    switch (state.type) {
      case 'lost':
        return null;
      case 'preface': {
        const found = take(bytes, preface.length);
        const begun = found ?? held;
        if (!begun.equals(preface.subarray(0, begun.length))) return lose();
        if (found === null) return null;
        state = { type: 'head' };
        return rest;
      }
      case 'head': {
        const found = take(bytes, headBytes);
        if (found === null) return null;
        const behind = rest;
        begin(parseHead(found), events);
        return behind;
      }
      case 'kept': {
        const { head, pile } = state;
        const missing = head.length - pile.length;
        const piece = bytes.subarray(0, missing);
        if (pile.length === 0 && piece.length === missing) keepFrame(head, piece, events);
        else {
          pile.push(piece);
          if (piece.length === missing) keepFrame(head, pile.take(), events);
        }
        return bytes.subarray(piece.length);
      }
      case 'padLength':
        beginData(state.head, bytes[0]!, events);
        return bytes.subarray(1);
      case 'data': {
        const { head, padding } = state;
        const data = bytes.subarray(0, state.left);
        events.push({ type: 'data', streamId: head.streamId, data });
        state.left -= data.length;
        if (state.left === 0) skip(padding, endedBy(head), events);
        return bytes.subarray(data.length);
      }
      case 'skip': {
        const skipped = Math.min(state.left, bytes.length);
        skip(state.left - skipped, state.endsStream, events);
        return bytes.subarray(skipped);
      }
    }
  };

  return {
    push(bytes) {
      const events: FrameEvent[] = [];
      for (let left: Buffer | null = bytes; left !== null && left.length > 0;) left = step(left, events);
      return events;
    },
    // A sender may go on with what was allowed before until it has read of the change.
    allowFrame: (sizeBytes) => void (maxFrameBytes = Math.max(maxFrameBytes, Math.min(sizeBytes, 2 ** 24 - 1))),
    isLost: () => state.type === 'lost',
    lose: () => void lose(),
  };
}

const parseHead = (bytes: Buffer): Head => ({
  length: bytes.readUIntBE(0, 3),
  kind: bytes[3]!,
  flags: bytes[4]!,
  // The first bit is reserved.
  streamId: bytes.readUInt32BE(5) & 0x7fff_ffff,
});
