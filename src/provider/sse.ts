// A response as server-sent events: how each is written.
import type { EventJson } from './answer.ts';

/** One event as the Responses API writes it; `data` is its JSON. */
export function formatEvent(event: EventJson, data: string = JSON.stringify(event)): Buffer {
  return Buffer.from(`event: ${event.type}\ndata: ${data}\n\n`);
}
