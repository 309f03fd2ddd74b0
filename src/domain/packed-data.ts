// Pieces of bodies on their way to another thread, many in one message: in columns, with one buffer for all bytes. Cloning an object for each
// costs a thread more than most pieces take to be handled.
import type { WireEvent } from './wire-event.ts';

export type DataEvent = Extract<WireEvent, { type: 'requestData' | 'responseData' }>;

export interface PackedData {
  /** Each once. */
  readonly exchangeIds: readonly string[];
  /** Of each piece: twice the place in `exchangeIds`, and one more for a response. */
  readonly owners: Uint32Array;
  /** Of each piece: `at` and `mono`. */
  readonly times: Float64Array;
  /** Where each piece ends in `bytes`. */
  readonly ends: Uint32Array;
  /** A buffer of its own: it can be transferred. */
  readonly bytes: Uint8Array<ArrayBuffer>;
}

/** Copies the bytes. */
export function packData(events: readonly DataEvent[]): PackedData {
  const places = new Map<string, number>();
  const owners = new Uint32Array(events.length);
  const times = new Float64Array(2 * events.length);
  const ends = new Uint32Array(events.length);
  const bytes = new Uint8Array(events.reduce((sum, { data }) => sum + data.length, 0));
  let end = 0;
  for (const [index, { type, exchangeId, data, at, mono }] of events.entries()) {
    let place = places.get(exchangeId);
    if (place === undefined) places.set(exchangeId, (place = places.size));
    owners[index] = 2 * place + (type === 'responseData' ? 1 : 0);
    times[2 * index] = at;
    times[2 * index + 1] = mono;
    bytes.set(data, end);
    end += data.length;
    ends[index] = end;
  }
  return { exchangeIds: [...places.keys()], owners, times, ends, bytes };
}

/** The same events, in order; their bytes are parts of the one buffer. */
export function unpackData({ exchangeIds, owners, times, ends, bytes }: PackedData): DataEvent[] {
  return Array.from(owners, (owner, index) => ({
    type: owner % 2 === 1 ? 'responseData' : 'requestData',
    exchangeId: exchangeIds[owner >>> 1]!,
    data: bytes.subarray(index === 0 ? 0 : ends[index - 1], ends[index]),
    at: times[2 * index]!,
    mono: times[2 * index + 1]!,
  }));
}
