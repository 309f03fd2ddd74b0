// HAR files: valid by a schema, read back by a reader that is not ours, whole after every entry.
import { HarValidator } from '@har-sdk/validator';
import { fromTraffic } from '@mswjs/source/traffic';
import { getResponse } from 'msw';
import { describe, expect, it } from 'vitest';
import { zstdCompress } from 'http-encoding';

import { labelOfTests, originOfTests, writeDump } from '../../../test/support/dump-script.ts';
import { randomTraffic } from '../../../test/support/random-traffic.ts';
import { plainAnswer, requestHead, sse, WireScript } from '../../../test/support/wire-script.ts';
import type { DumpEvent } from '../index.ts';
import type { HarEntry } from './har-format.ts';
import { HarWriter } from './har-writer.ts';

interface Har {
  readonly log: { readonly version: string; readonly comment: string; readonly entries: readonly HarEntry[] };
}

const openWriter = (): HarWriter => new HarWriter({ origin: originOfTests, labelOf: labelOfTests });

async function har(events: readonly DumpEvent[]): Promise<Har> {
  const text = (await writeDump(openWriter(), events)).toString();
  const parsed = JSON.parse(text) as Har;
  expect(await new HarValidator().verify(parsed as never)).toEqual([]);
  return parsed;
}

describe('a HAR', () => {
  it('has a call with its phases, its event stream, its ids and when each chunk came', async () => {
    const script = new WireScript();
    script.add({
      type: 'requestStarted',
      exchangeId: 'aaaa1',
      request: requestHead({
        path: '/v1/responses?a=1&b=%20',
        headers: [
          ['content-type', 'application/json'],
          ['cookie', 'x=1; y=2'],
        ],
      }),
    });
    script.wait(4).add({ type: 'requestData', exchangeId: 'aaaa1', data: Buffer.from('{"input":"hé"}') });
    script.wait(6).add({ type: 'requestEnded', exchangeId: 'aaaa1' }).wait(30).head('aaaa1');
    const events = [{ type: 'one' }, { type: 'two' }].map(sse);
    for (const event of events) script.wait(10.5).data('aaaa1', event);
    script.wait(1).abort('aaaa1', 'agent');
    const { log } = await har(script.events);
    expect(log.comment).toBe('codex exec "list the files" on devbox, run run1');
    const [entry] = log.entries;
    expect(entry).toMatchObject({
      startedDateTime: '2026-11-23T12:00:00.000Z',
      time: 62,
      timings: { blocked: -1, dns: -1, connect: -1, ssl: -1, send: 10, wait: 30, receive: 22 },
      request: {
        method: 'POST',
        url: 'https://chatgpt.com/v1/responses?a=1&b=%20',
        httpVersion: 'HTTP/2.0',
        queryString: [
          { name: 'a', value: '1' },
          { name: 'b', value: ' ' },
        ],
        cookies: [
          { name: 'x', value: '1' },
          { name: 'y', value: '2' },
        ],
        postData: { mimeType: 'application/json', text: '{"input":"hé"}' },
        bodySize: 15,
      },
      response: {
        status: 200,
        content: {
          mimeType: 'text/event-stream',
          text: events.join(''),
          comment: 'the answer had no content-type; it is an event stream',
        },
        _error: 'the agent hung up',
      },
      _resourceType: 'fetch',
      _tapes: { exchangeId: 'aaaa1', callId: 'aaaa1', turnId: 'turn1', outcome: 'the agent hung up' },
    });
    const started = Date.UTC(2026, 10, 23, 12) / 1000;
    expect(entry!._eventSourceMessages).toEqual([
      { time: started + 0.0505, eventName: 'one', eventId: '', data: '{"type":"one"}' },
      { time: started + 0.061, eventName: 'two', eventId: '', data: '{"type":"two"}' },
    ]);
    expect(entry!._tapes.chunks).toEqual([
      [50.5, 33],
      [61, 33],
    ]);
  });

  it('holds decoded bodies, and the sizes that they had on the wire', async () => {
    const text = JSON.stringify({ input: 'again and '.repeat(200) });
    const packed = await zstdCompress(Buffer.from(text), 3);
    const script = new WireScript();
    script.post(
      'aaaa1',
      {
        headers: [
          ['content-encoding', 'zstd'],
          ['content-type', 'application/json'],
        ],
      },
      packed,
    );
    script
      .head('aaaa1', { headers: [['content-type', 'image/png']] })
      .data('aaaa1', Uint8Array.of(0x89, 0x50, 0xff))
      .end('aaaa1');
    const [entry] = (await har(script.events)).log.entries;
    expect(entry!.request).toMatchObject({ bodySize: packed.length, postData: { text } });
    expect(entry!.request.headers).toContainEqual({ name: 'content-encoding', value: 'zstd' });
    expect(entry!.response.content).toMatchObject({ text: 'iVD/', encoding: 'base64', size: 3 });
  });

  it('has the messages of a WebSocket as browsers write them, and a refused upgrade', async () => {
    const script = new WireScript();
    const request = requestHead({ scheme: 'wss', method: 'GET', headers: [] });
    script.add({
      type: 'socketOpened',
      exchangeId: 'w1',
      request,
      response: { status: 101, reason: 'Switching Protocols', headers: [] },
    });
    const message = (from: string, isBinary: boolean, data: string): object => ({
      type: 'socketMessage',
      exchangeId: 'w1',
      from,
      isBinary,
      data: Buffer.from(data),
    });
    script
      .wait(1.5)
      .add(message('agent', false, '{"a":1}'))
      .wait(1)
      .add(message('upstream', true, '\u0001\u0002'));
    script.add({ type: 'socketClosed', exchangeId: 'w1', code: 1000, reason: '' });
    script.add({ type: 'upgradeRefused', exchangeId: 'w2', request, status: 426 });
    const [socket, refused] = (await har(script.events)).log.entries;
    const started = Date.UTC(2026, 10, 23, 12) / 1000;
    expect(socket).toMatchObject({
      _resourceType: 'websocket',
      request: { url: 'wss://chatgpt.com/backend-api/codex/responses' },
    });
    expect(socket!._webSocketMessages).toEqual([
      { type: 'send', time: started + 0.0015, opcode: 1, data: '{"a":1}' },
      { type: 'receive', time: started + 0.0025, opcode: 2, data: 'AQI=' },
    ]);
    expect(refused).toMatchObject({
      response: { status: 426, statusText: 'Upgrade Required' },
      _resourceType: 'websocket',
    });
  });

  it('says what is missing', async () => {
    const script = new WireScript();
    script.add({ type: 'eventsMissing', events: 3, why: 'too much was waiting' });
    script.post('g1', {}, 'hi').head('g1').data('g1', 'head');
    script
      .add({ type: 'bytesMissing', exchangeId: 'g1', side: 'response', bytes: 100, why: 'too much was waiting' })
      .end('g1');
    const [entry] = (await har(script.events)).log.entries;
    expect(entry!.comment).toContain('3 events are missing before this entry');
    expect(entry!.comment).toContain('100 bytes of the response are missing: too much was waiting');
    expect(entry!.response).toMatchObject({
      bodySize: 104,
      content: { comment: '100 bytes are missing', text: 'head' },
    });
  });

  it('is whole JSON after every entry, and has what is still open at its end', async () => {
    const script = new WireScript();
    script
      .call('aaaa1')
      .answer('aaaa1', plainAnswer('first'))
      .call('aaaa2')
      .answer('aaaa2', plainAnswer('second'))
      .call('aaaa3');
    const writer = openWriter();
    let written = writer.start();
    const entries: number[] = [];
    for (const event of script.events) {
      written = Buffer.concat([written, await writer.write(event)]);
      entries.push((JSON.parse(Buffer.concat([written, writer.tail]).toString()) as Har).log.entries.length);
    }
    expect(new Set(entries)).toEqual(new Set([0, 1, 2]));
    const last = JSON.parse(Buffer.concat([written, await writer.finish(true), writer.tail]).toString()) as Har;
    expect(last.log.entries[2]!._tapes.outcome).toBe('still open when the dump ended');
  });

  it.each([1, 2, 3, 4, 5, 6])(
    'of random traffic (seed %i) is valid, and a reader from elsewhere gives the same answers',
    async (seed) => {
      const { script, expected } = randomTraffic(seed);
      const parsed = await har(script.events);
      expect(parsed.log.entries).toHaveLength(expected.length);
      const answers = parsed.log.entries.filter(({ response }) => response.status >= 200);
      if (answers.length === 0) return;
      const handlers = fromTraffic({ log: { ...parsed.log, entries: answers } } as never, (entry) => ({
        ...entry,
        time: 0,
      }));
      for (const { method, path, status } of expected) {
        const entry = answers.find(
          ({ request }) => new URL(request.url).pathname + new URL(request.url).search === path,
        );
        if (entry === undefined || entry.request.url.startsWith('wss')) continue;
        const answer = await getResponse(handlers, new Request(entry.request.url, { method }));
        expect(answer?.status).toBe(status);
        expect(await answer!.text()).toBe(entry.response.content.text ?? '');
      }
    },
  );
});

it('keeps so many messages of a byte as have room with all that an entry of their own takes, and says how many it left out', async () => {
  const writer = openWriter();
  const stamp = { at: 1_764_000_000_000, mono: 1 };
  const exchangeId = 'socket';
  const response = { status: 101, reason: 'Switching Protocols', headers: [] };
  writer.start();
  await writer.write({ type: 'socketOpened', exchangeId, request: requestHead({}), response, ...stamp });
  const message = { type: 'socketMessage', exchangeId, from: 'upstream', isBinary: false, data: Buffer.from('x') } as const; // prettier-ignore
  for (let count = 0; count < 530_000; count += 1) await writer.write({ ...message, ...stamp });
  const written = await writer.write({ type: 'socketClosed', exchangeId, code: 1000, reason: '', ...stamp });
  const entry = JSON.parse(Buffer.from(written).toString()) as HarEntry;
  const kept = entry._webSocketMessages!.length;
  expect(kept).toBe(Math.floor((128 * 1024 * 1024) / 257));
  expect(entry.comment).toBe(`${530_000 - kept} later messages are left out: there are too many`);
});
