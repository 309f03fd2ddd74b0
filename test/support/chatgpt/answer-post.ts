// Answers a model call that came as a POST: response head, then the events as server-sent events.
import { setTimeout as sleep } from 'node:timers/promises';
import type { RawHeaders } from '../../../src/domain/index.ts';
import { formatEvent, type HttpExchange, type Writable } from '../../../src/provider/index.ts';
import type { Answer, EventJson, StreamAnswer } from './answer.ts';
import { openCompressor } from './compression.ts';
import { playAnswer } from './play.ts';
import type { ReceivedCall } from './received.ts';
import type { Stage } from './stage.ts';

export async function answerPost(
  exchange: HttpExchange,
  call: Writable<ReceivedCall>,
  answer: Answer,
  stage: Stage,
): Promise<void> {
  switch (answer.type) {
    case 'stream':
      call.ended = await streamAnswer(exchange, call, answer, stage);
      break;
    case 'http': {
      const body = Buffer.from(JSON.stringify(answer.json));
      const type = ['content-type', 'application/json'] as const;
      exchange.sendHead(answer.status, [type, ...answer.headers, ...stage.commonHeaders]);
      call.sentChunks = [body];
      await exchange.write(body);
      exchange.end();
      call.ended = 'sent';
      break;
    }
    case 'silent':
      await clientLeaves(exchange);
      call.ended = 'clientLeft';
      break;
    case 'reset':
      exchange.reset();
      call.ended = 'cut';
      break;
    case 'close':
      exchange.cut();
      call.ended = 'cut';
      break;
  }
  stage.log.changed();
}

async function streamAnswer(
  exchange: HttpExchange,
  call: Writable<ReceivedCall>,
  answer: StreamAnswer,
  stage: Stage,
): Promise<ReceivedCall['ended']> {
  if (answer.headersDelayMs !== undefined) await pause(exchange, answer.headersDelayMs);
  exchange.sendHead(200, [...streamHeaders(answer), ...stage.commonHeaders]);
  const compressor = openCompressor(answer.compress);
  const events: string[] = [];
  const chunks: Buffer[] = [];
  const times: number[] = [];
  call.sentEvents = events;
  call.sentChunks = chunks;
  call.sentAt = times;
  const write = async (bytes: Buffer): Promise<void> => {
    const step = answer.chunkBytes ?? bytes.length;
    for (let start = 0; start < bytes.length; start += step) {
      const chunk = bytes.subarray(start, start + step);
      chunks.push(chunk);
      await exchange.write(chunk);
    }
  };
  const outlet = {
    left: exchange.left,
    send: async (event: EventJson) => {
      const data = JSON.stringify(event);
      events.push(data);
      times.push(performance.now());
      await write(await compressor.push(formatEvent(event, data)));
      stage.log.changed();
    },
    cut: () => exchange.cut(),
  };
  const ended = await playAnswer(answer, outlet, stage.contextOf(call));
  if (ended !== 'sent') return ended;
  await write(await compressor.end());
  if (answer.holdOpenMs !== undefined) await pause(exchange, answer.holdOpenMs);
  exchange.end();
  return 'sent';
}

function streamHeaders(answer: StreamAnswer): RawHeaders {
  const { contentType = 'text/event-stream', compress, headers = [] } = answer;
  const type = contentType === null ? [] : [['content-type', contentType] as const];
  const encoding = compress === undefined ? [] : [['content-encoding', compress] as const];
  return [...type, ...encoding, ...headers];
}

async function pause({ left }: HttpExchange, delayMs: number): Promise<void> {
  await sleep(delayMs, undefined, { signal: left }).catch(() => {});
}

async function clientLeaves({ left }: HttpExchange): Promise<void> {
  if (left.aborted) return;
  await new Promise<void>((resolve) => left.addEventListener('abort', () => resolve(), { once: true }));
}
