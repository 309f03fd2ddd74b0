// What one side of an HTTP/2 connection says, read from bytes that pass (RFC 9113): header lists, pieces of bodies, ends, and the settings that
// bind the other side. Pure, and a reader only: what it cannot make sense of makes it silent (`isLost`), and nothing that passes depends on it.
import { BytePile, type RawHeaders } from '../../domain/index.ts';
import { frameFlags, frameTypes, readFrames, type FrameEvent } from './frames.ts';
import { makeHpackDecoder } from './hpack.ts';

export type Http2Event =
  | { readonly type: 'headers'; readonly streamId: number; readonly headers: RawHeaders }
  /** By reference. Never empty. */
  | { readonly type: 'data'; readonly streamId: number; readonly data: Buffer }
  /** This side has said all on the stream. */
  | { readonly type: 'end'; readonly streamId: number }
  | { readonly type: 'reset'; readonly streamId: number; readonly code: number }
  /** No stream above `lastStreamId` was, or will be, looked at. */
  | { readonly type: 'goAway'; readonly lastStreamId: number; readonly code: number }
  /** What this side allows the other one: to be passed to the reader of that one. */
  | ({ readonly type: 'settings' } & Http2Allowance);

/** Absent: unchanged. */
export interface Http2Allowance {
  readonly tableBytes?: number;
  readonly frameBytes?: number;
}

export interface Http2Reader {
  push(bytes: Buffer): Http2Event[];
  allow(allowance: Http2Allowance): void;
  isLost(): boolean;
}

/** Of a header block, as it is on the wire, whatever number of frames it comes in. */
const maxBlockBytes = 1024 * 1024;

interface OpenBlock {
  readonly streamId: number;
  readonly endsStream: boolean;
  /** Those of a promise are read for what they put into the table alone. */
  readonly isTold: boolean;
  readonly pile: BytePile;
}

export function readHttp2(side: 'agent' | 'provider'): Http2Reader {
  const frames = readFrames({ hasPreface: side === 'agent' });
  const decoder = makeHpackDecoder();
  /** A header block that goes on in the next frame; nothing else may come before its end (RFC 9113 section 6.10). */
  let open: OpenBlock | null = null;

  const endBlock = ({ streamId, endsStream, isTold, pile }: OpenBlock, events: Http2Event[]): boolean => {
    const headers = decoder.decode(pile.take());
    if (headers === null) return false;
    if (isTold) events.push({ type: 'headers', streamId, headers });
    if (endsStream) events.push({ type: 'end', streamId });
    return true;
  };
  const addToBlock = (block: OpenBlock, piece: Buffer, flags: number, events: Http2Event[]): boolean => {
    block.pile.push(piece);
    if (block.pile.length > maxBlockBytes) return false;
    open = (flags & frameFlags.endHeaders) === 0 ? block : null;
    return open !== null || endBlock(block, events);
  };
  /** False: no receiver would take it. */
  const read = (frame: FrameEvent, events: Http2Event[]): boolean => {
    if (frame.type !== 'frame') {
      if (open !== null) return false;
      events.push(frame);
      return true;
    }
    const { kind, flags, streamId, payload } = frame;
    if ((open === null) === (kind === frameTypes.continuation)) return false;
    if ((streamId === 0) !== (kind === frameTypes.settings || kind === frameTypes.goAway)) return false;
    switch (kind) {
      case frameTypes.continuation:
        return open !== null && open.streamId === streamId && addToBlock(open, payload, flags, events);
      case frameTypes.headers: {
        const piece = withoutPadding(payload, flags, (flags & frameFlags.priority) === 0 ? 0 : 5);
        const endsStream = (flags & frameFlags.endStream) !== 0;
        return (
          piece !== null &&
          addToBlock({ streamId, endsStream, isTold: true, pile: new BytePile() }, piece, flags, events)
        );
      }
      case frameTypes.promise: {
        const piece = withoutPadding(payload, flags, 4);
        return (
          piece !== null &&
          addToBlock({ streamId, endsStream: false, isTold: false, pile: new BytePile() }, piece, flags, events)
        );
      }
      case frameTypes.reset:
        if (payload.length !== 4) return false;
        events.push({ type: 'reset', streamId, code: payload.readUInt32BE(0) });
        return true;
      case frameTypes.goAway:
        if (payload.length < 8) return false;
        events.push({
          type: 'goAway',
          lastStreamId: payload.readUInt32BE(0) & 0x7fff_ffff,
          code: payload.readUInt32BE(4),
        });
        return true;
      default:
        return readSettings(payload, flags, events);
    }
  };
  return {
    push(bytes) {
      const events: Http2Event[] = [];
      for (const frame of frames.push(bytes)) {
        if (read(frame, events)) continue;
        frames.lose();
        open = null;
        break;
      }
      return events;
    },
    allow({ tableBytes, frameBytes }) {
      if (tableBytes !== undefined) decoder.allowTable(tableBytes);
      if (frameBytes !== undefined) frames.allowFrame(frameBytes);
    },
    isLost: () => frames.isLost(),
  };
}

/** What is between `before` bytes at the beginning and the padding at the end. Null: there is less. */
function withoutPadding(payload: Buffer, flags: number, before: number): Buffer | null {
  const isPadded = (flags & frameFlags.padded) !== 0;
  if (isPadded && payload.length === 0) return null;
  const from = before + (isPadded ? 1 : 0);
  const to = payload.length - (isPadded ? payload[0]! : 0);
  return from <= to ? payload.subarray(from, to) : null;
}

const settingIds = { tableBytes: 1, frameBytes: 5 } as const;

function readSettings(payload: Buffer, flags: number, events: Http2Event[]): boolean {
  if (payload.length % 6 !== 0) return false;
  if ((flags & frameFlags.ack) !== 0) return payload.length === 0;
  const allowance: { tableBytes?: number; frameBytes?: number } = {};
  for (let at = 0; at < payload.length; at += 6) {
    const id = payload.readUInt16BE(at);
    const value = payload.readUInt32BE(at + 2);
    for (const name of ['tableBytes', 'frameBytes'] as const) {
      // The largest of several: a sender may meanwhile use it.
      if (id === settingIds[name]) allowance[name] = Math.max(value, allowance[name] ?? 0);
    }
  }
  events.push({ type: 'settings', ...allowance });
  return true;
}
