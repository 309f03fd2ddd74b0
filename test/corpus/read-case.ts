// Reads one case of the corpus and runs it through decoders, identity and derivation, as the recorder does.
import { existsSync, readFileSync } from 'node:fs';

import { readCodexIdentity } from '../../src/agents/codex-identity.ts';
import { judgeCall, readPrompt, readRateLimits, readRequestBody, toItem } from '../../src/derive/index.ts';
import type { CallEnding } from '../../src/derive/index.ts';
import type { Item, RawHeaders } from '../../src/domain/index.ts';
import { looksLikeSse, readJsonAnswer, ResponsesReader, SseDecoder } from '../../src/wire/index.ts';
import type { Answer } from '../../src/wire/index.ts';

/** The envelope of a case: what the wire said around the two bodies, and how the exchange ended. */
interface CaseExchange {
  readonly method: string;
  readonly path: string;
  readonly requestHeaders: RawHeaders;
  readonly status: number;
  readonly responseHeaders: RawHeaders;
  readonly ended: CallEnding['ended'];
}

export interface CorpusCase {
  readonly exchange: CaseExchange;
  readonly requestText: string;
  readonly answer: Buffer;
  readonly expected: unknown;
}

export function readCase(folder: URL): CorpusCase {
  const read = (name: string): Buffer => readFileSync(new URL(name, folder));
  return {
    exchange: JSON.parse(read('exchange.json').toString()) as CaseExchange,
    // Written with spaces for readers; on the wire there are none.
    requestText: JSON.stringify(JSON.parse(read('request.json').toString())),
    answer: existsSync(new URL('answer.sse', folder)) ? read('answer.sse') : read('answer.json'),
    expected: existsSync(new URL('expected.json', folder)) ? JSON.parse(read('expected.json').toString()) : null,
  };
}

/** What `expected.json` holds: everything that a reader of a recording would be shown of this call. */
export function deriveCase({ exchange, requestText, answer: body }: CorpusCase, chunks: readonly Uint8Array[]): unknown {
  const request = readRequestBody(requestText);
  const identity = readCodexIdentity(exchange.requestHeaders, request.json, exchange.path);
  const answer = readAnswer(body, chunks);
  const errorBody = exchange.status >= 400 ? body.toString() : null;
  const outcome = judgeCall({ httpStatus: exchange.status, answer, ended: exchange.ended, failure: null, errorBody });
  return {
    identity,
    model: request.model,
    prompt: readPrompt(request.inputItems, identity.turnId),
    input: request.inputItems.map(({ item }) => withoutHash(item)),
    ...outcome,
    answer: {
      ...answer,
      items: answer.items.map(({ json, partial }) => {
        const item = withoutHash(toItem(json));
        return partial ? { ...item, partial } : item;
      }),
    },
    rateLimits: readRateLimits(exchange.responseHeaders),
  };
}

/** Hashes are no text to read; tests of their own hold them. */
function withoutHash(item: Item): Omit<Item, 'hash'> {
  return Object.fromEntries(Object.entries(item).filter(([key]) => key !== 'hash')) as unknown as Omit<Item, 'hash'>;
}

function readAnswer(body: Buffer, chunks: readonly Uint8Array[]): Answer {
  if (!looksLikeSse(body)) return readJsonAnswer(body.toString(), 0);
  const sse = new SseDecoder();
  const reader = new ResponsesReader();
  for (const event of [...chunks.flatMap((chunk) => sse.push(chunk)), ...sse.end()]) reader.push(event.data, 0);
  return reader.answer();
}
