// A response as server-sent events: how each is written, and one sent whole.
import type { EventJson, ResponseAnswer } from './answer.ts';
import type { HttpExchange } from './http-exchange.ts';
import { renderAnswer, type RenderContext } from './render.ts';

/** One event as the Responses API writes it; `data` is its JSON. */
export function formatEvent(event: EventJson, data: string = JSON.stringify(event)): Buffer {
  return Buffer.from(`event: ${event.type}\ndata: ${data}\n\n`);
}

/** Answers a call with the events of `answer`, one after another. Settles when all are on their way, or the client has left. */
export async function sendResponse(
  exchange: HttpExchange,
  answer: ResponseAnswer,
  context: RenderContext,
): Promise<void> {
  exchange.sendHead(200, [['content-type', 'text/event-stream']]);
  for (const { json } of renderAnswer(answer, context)) {
    if (exchange.left.aborted) return;
    await exchange.write(formatEvent(json));
  }
  exchange.end();
}
