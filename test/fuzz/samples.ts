// The recorded exchanges of the corpus, as what fuzzed bytes are made from.
import { readdirSync, readFileSync } from 'node:fs';

import type { RawHeaders } from '../../src/domain/index.ts';

const corpus = new URL('../corpus/codex/', import.meta.url);

const readAll = (file: string): Buffer[] =>
  readdirSync(corpus)
    .sort()
    .flatMap((name) => {
      try {
        return [readFileSync(new URL(`${name}/${file}`, corpus))];
      } catch {
        return [];
      }
    });

export const answers = readAll('answer.sse');
export const headerLists = readAll('exchange.json').map(
  (text) => (JSON.parse(text.toString()) as { requestHeaders: RawHeaders }).requestHeaders,
);

/** Requests that are short enough to be damaged whole. */
export const shortRequests: readonly Buffer[] = [
  '{"model":"m","stream":true,"input":[{"type":"message","role":"user","content":[{"type":"input_text","text":"hi"}]},' +
    '{"type":"function_call_output","call_id":"c1","output":"done"}],"client_metadata":{"turn_id":"t1"}}',
  `{"input":"text","instructions":"${'be brief '.repeat(8)}","tools":[{"type":"custom"}]}`,
  '{"input":[1,2,[],{}],"input":[{"id":"a","__proto__":{"x":1}}],"model":"\\u0000"}',
  '{"type":"response.create","response":{"input":[{"role":"user","content":"x"}]}}',
  '{ "a" : [ ] , "input" : [ {"summary":[{"text":"s"}]} , {"type":"reasoning"} ] }',
].map((text) => Buffer.from(text));

/** Events of answers, one by one, the shortest of each type. */
export const shortEvents: readonly Buffer[] = [
  ...new Map(
    answers
      .flatMap((answer) => answer.toString().split(/\r?\n\r?\n/))
      .filter((event) => event.includes('data:'))
      .sort((a, b) => b.length - a.length)
      .map((event) => [/"type":"([^"]*)"/.exec(event)?.[1] ?? '', Buffer.from(`${event}\n\n`)] as const),
  ).values(),
];
