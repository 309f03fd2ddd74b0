import { describe, expect, it } from 'vitest';

import { chunkings, cutIntoChunks, randomInt, seededRandom } from '../../test/support/chunks.ts';
import { looksLikeSse, SseDecoder } from './index.ts';
import type { SseEvent } from './index.ts';

function decode(chunks: readonly Uint8Array[], maxEventChars?: number): SseEvent[] {
  const decoder = new SseDecoder(maxEventChars === undefined ? {} : { maxEventChars });
  return [...chunks.flatMap((chunk) => decoder.push(chunk)), ...decoder.end()];
}

function event(data: string, name: string | null = null, id: string | null = null): SseEvent {
  return { event: name, id, data };
}

const streams: readonly (readonly [name: string, text: string, events: SseEvent[]])[] = [
  ['an event with a name', 'event: response.created\ndata: {"a":1}\n\n', [event('{"a":1}', 'response.created')]],
  ['events without names', 'data: {"a":1}\n\ndata: {"a":2}\n\n', [event('{"a":1}'), event('{"a":2}')]],
  ['CRLF', 'event: x\r\ndata: 1\r\n\r\ndata: 2\r\n\r\n', [event('1', 'x'), event('2')]],
  ['CR alone', 'event: x\rdata: 1\r\rdata: 2\r\r', [event('1', 'x'), event('2')]],
  ['mixed line ends', 'data: 1\r\n\ndata: 2\n\r\ndata: 3\r\r\n', [event('1'), event('2'), event('3')]],
  ['a byte order mark', '\ufeffdata: 1\n\n', [event('1')]],
  ['comments', ': keep-alive\n\ndata: 1\n: more\n\n:\n\n', [event('1')]],
  ['data on several lines', 'data: {"a":\ndata: 1}\n\n', [event('{"a":\n1}')]],
  ['no space after the colon', 'event:x\ndata:1\nid:7\n\n', [event('1', 'x', '7')]],
  ['text of many bytes', 'data: {"t":"naïve 日本語 🎉"}\n\n', [event('{"t":"naïve 日本語 🎉"}')]],
  ['unknown fields and junk', 'foo: bar\n<html>\nretry: x\ndata: 1\n\n', [event('1')]],
  ['a name without data', 'event: ping\n\ndata: 1\n\n', [event('1')]],
  ['empty data', 'data:\n\ndata: 1\n\n', [event(''), event('1')]],
  ['a last event without its blank line', 'data: 1\n\ndata: {"a":2}', [event('1'), event('{"a":2}')]],
  ['a last event with one line end', 'data: 1\n\ndata: {"a":2}\n', [event('1'), event('{"a":2}')]],
  ['a last event that is cut', 'data: 1\n\ndata: {"a":', [event('1')]],
  ['a last event that ends in CR CR', 'data: done\r\r', [event('done')]],
  ['[DONE]', 'data: 1\n\ndata: [DONE]\n\n', [event('1'), event('[DONE]')]],
  ['nothing', '', []],
];

describe.each(streams)('%s', (_, text, events) => {
  it('gives the same events however the bytes are cut', () => {
    for (const { name, chunks } of chunkings(Buffer.from(text))) expect(decode(chunks), `with ${name}`).toEqual(events);
  });
});

it('gives an event in the push that completes it', () => {
  const decoder = new SseDecoder();
  expect(decoder.push(Buffer.from('data: 1\n'))).toEqual([]);
  expect(decoder.push(Buffer.from('\n'))).toEqual([event('1')]);
  expect(decoder.push(Buffer.from('data: 2\r\n\r\n'))).toEqual([event('2')]);
});

it('keeps bytes that are no UTF-8 from breaking what follows', () => {
  const bytes = Buffer.concat([Buffer.from('data: "'), Buffer.from([0xff, 0xe6]), Buffer.from('"\n\ndata: 2\n\n')]);
  for (const { name, chunks } of chunkings(bytes)) {
    const events = decode(chunks);
    expect(events.length, `with ${name}`).toBe(2);
    expect(events[1], `with ${name}`).toEqual(event('2'));
  }
});

it('agrees with itself on random streams', () => {
  const pieces = ['data: ', 'event: ', '\n', '\r\n', '\r', '\n\n', 'x', '{"a":"é"}', ': c', 'id: 1', '日'];
  const random = seededRandom(21);
  for (let round = 0; round < 500; round += 1) {
    const text = Array.from({ length: 40 }, () => pieces[randomInt(random, 0, pieces.length - 1)] ?? '').join('');
    const bytes = Buffer.from(text);
    const whole = decode([bytes]);
    expect(decode(cutIntoChunks(bytes, round, 1)), `with ${JSON.stringify(text)}`).toEqual(whole);
    expect(decode(cutIntoChunks(bytes, round, 7)), `with ${JSON.stringify(text)}`).toEqual(whole);
  }
});

describe('an event that is too large', () => {
  it.each(['\n\n', '\r\n\r\n', '\r\r'])('is dropped and counted, and the next one is given (%j)', (blank) => {
    const text = `data: 1${blank}event: x${blank.slice(blank.length / 2)}data: ${'a'.repeat(500)}${blank}data: 2${blank}`;
    for (const largest of [1, 7, 64]) {
      const decoder = new SseDecoder({ maxEventChars: 200 });
      const events = cutIntoChunks(Buffer.from(text), 1, largest).flatMap((chunk) => decoder.push(chunk));
      expect([...events, ...decoder.end()].map(({ data }) => data)).toEqual(['1', '2']);
      expect(decoder.droppedEvents).toBe(1);
    }
  });

  it('does not make memory grow with a line that never ends', () => {
    const decoder = new SseDecoder({ maxEventChars: 1_000_000 });
    const chunk = Buffer.alloc(1_000_000, 'a');
    decoder.push(Buffer.from('data: '));
    const before = process.memoryUsage().heapUsed;
    for (let round = 0; round < 200; round += 1) expect(decoder.push(chunk)).toEqual([]);
    expect(process.memoryUsage().heapUsed - before).toBeLessThan(60_000_000);
    expect(decoder.droppedEvents).toBe(1);
    expect(decoder.end()).toEqual([]);
  });
});

describe('the beginning of a body', () => {
  it.each(['event: x', 'data: 1', 'data:1', ': ok', 'id: 1', 'retry: 10', '\n\ndata: 1', '\ufeffevent: x', 'ev'])(
    '%j looks like an event stream',
    (start) => expect(looksLikeSse(Buffer.from(start))).toBe(true),
  );

  it.each(['{"id":"resp_1"}', '', '[1]', '<html>', 'database error', 'event', 'eventually'])(
    '%j does not, or not for sure',
    (start) => expect(looksLikeSse(Buffer.from(start))).toBe(start === 'event'),
  );
});
