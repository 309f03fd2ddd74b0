// Plays a rendered answer into an outlet (an SSE stream or a WebSocket), with its pauses, its cut, and an eye on the client.
import { setTimeout as pause } from 'node:timers/promises';
import type { EventJson, StreamAnswer } from './answer.ts';
import { renderAnswer, type RenderContext } from '../../../src/provider/index.ts';

export interface Outlet {
  /** Aborted when the client has left. */
  readonly left: AbortSignal;
  /** Settles when the event is on its way. */
  send(event: EventJson): Promise<void>;
  cut(): void;
}

export async function playAnswer(
  answer: StreamAnswer,
  outlet: Outlet,
  context: RenderContext,
): Promise<'sent' | 'cut' | 'clientLeft'> {
  let count = 0;
  try {
    for (const { json, afterMs = 0 } of renderAnswer(answer, context)) {
      if (count === answer.cutAfter) return cut(outlet);
      const delayMs = afterMs + delayBefore(answer, count);
      if (delayMs > 0) await pause(delayMs, undefined, { signal: outlet.left });
      outlet.left.throwIfAborted();
      await outlet.send(json);
      count += 1;
    }
    return answer.cutAfter === undefined ? 'sent' : cut(outlet);
  } catch (error) {
    if (outlet.left.aborted) return 'clientLeft';
    throw error;
  }
}

function cut(outlet: Outlet): 'cut' {
  outlet.cut();
  return 'cut';
}

function delayBefore(answer: StreamAnswer, index: number): number {
  const { delayMs = 0 } = answer;
  return typeof delayMs === 'number' ? delayMs : (delayMs[index] ?? 0);
}
