// The events of an event stream with the time at which each was complete: a browser that makes them from the text alone shows them all
// at the time of the request.
import { SseDecoder } from '../../wire/index.ts';
import type { HarEventMessage } from './har-format.ts';

/** `parts`: in which pieces the body came, and when; what lies behind them came at `endedAt`. */
export function eventMessages(
  body: Uint8Array,
  parts: readonly { readonly at: number; readonly bytes: number }[],
  endedAt: number,
): HarEventMessage[] {
  const decoder = new SseDecoder();
  const messages: HarEventMessage[] = [];
  const add = (at: number, events: ReturnType<SseDecoder['push']>): void => {
    for (const { event, id, data } of events)
      messages.push({ time: at / 1000, eventName: event ?? 'message', eventId: id ?? '', data });
  };
  let from = 0;
  for (const { at, bytes } of parts) {
    add(at, decoder.push(body.subarray(from, from + bytes)));
    from += bytes;
  }
  add(endedAt, [...decoder.push(body.subarray(from)), ...decoder.end()]);
  return messages;
}
