// Event streams: the same events however they are cut, and the same as a reader that goes by the letter of the standard.
import { SseDecoder } from '../../../src/wire/index.ts';
import type { SseEvent } from '../../../src/wire/index.ts';
import { cutCase } from '../case.ts';
import type { FuzzTarget } from '../case.ts';
import { mustEqual } from '../expectations.ts';
import { answers } from '../samples.ts';

export const sse: FuzzTarget = {
  name: 'sse',
  samples: [
    ...answers,
    Buffer.from('data: 1\r\ndata:2\r\revent: x\nid: 7\r\n\ndata: {"a":"é"}'),
    Buffer.from(':c\n\nretry: 1\n'),
  ],
  words: ['\n\n', '\r\n', '\r', 'data:', 'data: ', 'event: x', 'id:\0', '\ufeff', '{"a":1}', ':\n'],
  longest: 100,
  check(fuzzed) {
    const whole = decode([fuzzed.input]);
    mustEqual(decode(cutCase(fuzzed)), whole, 'cut, the stream gives other events');
    mustEqual(whole, readByTheLetter(fuzzed.input), 'the events are not those of the standard');
  },
};

function decode(chunks: readonly Uint8Array[]): SseEvent[] {
  const decoder = new SseDecoder();
  return [...chunks.flatMap((chunk) => decoder.push(chunk)), ...decoder.end()];
}

/** https://html.spec.whatwg.org/multipage/server-sent-events.html#parsing-an-event-stream, and a last event of whole JSON. */
function readByTheLetter(bytes: Uint8Array): SseEvent[] {
  const events: SseEvent[] = [];
  let [event, id, data]: [string | null, string | null, string[]] = [null, null, []];
  const dispatch = (): void => {
    if (data.length > 0) events.push({ event, id, data: data.join('\n') });
    [event, id, data] = [null, null, []];
  };
  const text = new TextDecoder('utf-8').decode(bytes);
  const lines = text.split(/\r\n|\n|\r/);
  const last = lines.pop() ?? '';
  const read = (line: string): void => {
    const colon = line.indexOf(':');
    const [name, rest] = colon === -1 ? [line, ''] : [line.slice(0, colon), line.slice(colon + 1)];
    const value = rest.startsWith(' ') ? rest.slice(1) : rest;
    if (name === 'data') data.push(value);
    else if (name === 'event') event = value === '' ? null : value;
    else if (name === 'id' && !value.includes('\0')) id = value;
  };
  for (const line of lines) {
    if (line === '') dispatch();
    else read(line);
  }
  const complete = events.length;
  if (last !== '') read(last);
  dispatch();
  return events.filter(({ data: said }, at) => at < complete || isJson(said));
}

function isJson(text: string): boolean {
  try {
    JSON.parse(text);
    return true;
  } catch {
    return false;
  }
}
