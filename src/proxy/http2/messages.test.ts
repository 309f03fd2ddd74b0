import { describe, expect, it } from 'vitest';
import { chunkings } from '../../../test/support/chunks.ts';
import { sayOverHttp2 } from '../../../test/support/http2-bytes.ts';
import {
  block,
  flags,
  frame,
  goAway,
  headers,
  kinds,
  number,
  preface,
  reset,
  settings,
} from '../../../test/support/http2-frames.ts';
import type { RawHeaders } from '../../domain/index.ts';
import { readHttp2, type Http2Event } from './messages.ts';

/** Pieces of one body that follow each other are one line. */
function told(events: readonly Http2Event[]): string[] {
  const lines: string[] = [];
  for (const event of events) {
    if (event.type === 'headers')
      lines.push(`${event.streamId} ${event.headers.map((field) => field.join('=')).join(' ')}`);
    else if (event.type === 'data') {
      const text = event.data.toString('latin1');
      if (lines.at(-1)?.startsWith(`${event.streamId} > `)) lines.push(`${lines.pop()}${text}`);
      else lines.push(`${event.streamId} > ${text}`);
    } else if (event.type === 'end') lines.push(`${event.streamId} end`);
    else if (event.type === 'reset') lines.push(`${event.streamId} reset ${event.code}`);
    else if (event.type === 'goAway') lines.push(`away ${event.lastStreamId} ${event.code}`);
    else lines.push(`settings ${event.tableBytes ?? '-'} ${event.frameBytes ?? '-'}`);
  }
  return lines;
}

const a1 = block({ a: '1' });
const said: readonly Buffer[] = [
  settings([
    [1, 8192],
    [3, 100],
    [5, 65_536],
    [0x99, 7],
  ]),
  frame(kinds.settings, 0, Buffer.alloc(0), flags.ack),
  frame(kinds.windowUpdate, 0, number(65_535)),
  headers(1, { ':method': 'GET', ':path': '/' }, flags.endStream),
  // Padding, and a priority.
  frame(
    kinds.headers,
    3,
    Buffer.concat([Buffer.of(4), number(1), Buffer.of(16), a1, Buffer.alloc(4)]),
    flags.endHeaders | flags.padded | flags.priority,
  ),
  frame(kinds.priority, 3, Buffer.alloc(5)),
  frame(kinds.data, 3, Buffer.from('hello ')),
  frame(kinds.ping, 0, Buffer.alloc(8)),
  frame(0xfe, 3, Buffer.from('of a kind that nobody knows')),
  frame(kinds.data, 3, Buffer.concat([Buffer.of(3), Buffer.from('world'), Buffer.alloc(3)]), flags.padded),
  frame(kinds.data, 3, Buffer.of(0), flags.padded),
  frame(kinds.data, 3),
  // In three frames, one of them empty; trailers.
  frame(kinds.headers, 3, a1.subarray(0, 2), flags.endStream),
  frame(kinds.continuation, 3),
  frame(kinds.continuation, 3, a1.subarray(2), flags.endHeaders),
  // The first bit of a stream's id means nothing.
  headers(0x8000_0005, { b: '2' }),
  frame(kinds.data, 5, Buffer.concat([Buffer.of(2), Buffer.alloc(2)]), flags.padded | flags.endStream),
  reset(5, 8),
  goAway(0x8000_0005, 11),
];
const found = [
  'settings 8192 65536',
  '1 :method=GET :path=/',
  '1 end',
  '3 a=1',
  '3 > hello world',
  '3 a=1',
  '3 end',
  '5 b=2',
  '5 end',
  '5 reset 8',
  'away 5 11',
];

describe('what one side says', () => {
  it.each(chunkings(Buffer.concat([preface, ...said])))('is read the same however it is cut: $name', ({ chunks }) => {
    const reader = readHttp2('agent');
    expect(told(chunks.flatMap((chunk) => reader.push(Buffer.from(chunk))))).toEqual(found);
    expect(reader.isLost()).toBe(false);
  });

  it('has no preface where it is the provider that speaks', () => {
    const reader = readHttp2('provider');
    expect(told(reader.push(Buffer.concat(said)))).toEqual(found);
    expect(readHttp2('provider').push(preface)).toEqual([]);
  });

  it('puts into the table what it promises, and is not told of it', () => {
    const kept = Buffer.from('4001610162', 'hex');
    const reader = readHttp2('provider');
    const bytes = Buffer.concat([
      settings(),
      frame(kinds.promise, 1, Buffer.concat([number(2), kept.subarray(0, 3)])),
      frame(kinds.continuation, 1, kept.subarray(3), flags.endHeaders),
      frame(kinds.headers, 1, Buffer.of(0xbe), flags.endHeaders),
    ]);
    expect(told(reader.push(bytes))).toEqual(['settings - -', '1 a=b']);
  });
});

describe("Node's own HTTP/2", () => {
  it('is read on both sides: heads, bodies, trailers', async () => {
    const body = Buffer.alloc(100_000, 'body ');
    const { agent, provider, seen } = await sayOverHttp2(
      [{ headers: { 'x-a': '1' }, body, trailers: { 'x-sum': '2' } }, { headers: { 'x-long': 'x'.repeat(60_000) } }],
      {
        answer(stream) {
          stream.additionalHeaders({ ':status': 103, link: '</a>' });
          stream.respond({ ':status': 200, 'x-b': '3' }, { waitForTrailers: true });
          stream.on('wantTrailers', () => stream.sendTrailers({ 'x-end': '4' }));
          stream.end('answer');
        },
      },
    );
    const sent = readHttp2('agent').push(agent);
    const heads = sent.flatMap((event) => (event.type === 'headers' ? [event] : []));
    expect(heads.filter(({ headers: [first] }) => first?.[0] === ':method').map(({ headers: list }) => list)).toEqual(
      seen,
    );
    expect(heads.map(({ streamId }) => streamId)).toEqual([1, 1, 3]);
    expect(heads[1]!.headers).toEqual([['x-sum', '2']]);
    const pieces = sent.flatMap((event) => (event.type === 'data' ? [event.data] : []));
    expect(Buffer.concat(pieces).equals(body)).toBe(true);
    const answered = told(readHttp2('provider').push(provider)).filter((line) => line.startsWith('1 '));
    expect(answered.map((line) => line.replace(/ date=.*GMT/, ''))).toEqual([
      '1 :status=103 link=</a>',
      '1 :status=200 x-b=3',
      '1 > answer',
      '1 x-end=4',
      '1 end',
    ]);
  });

  it('is read when both sides change what they allow in the middle of a connection', async () => {
    const { talk, seen } = await sayOverHttp2([{ headers: { 'x-a': '1' } }], {
      serverSettings: { headerTableSize: 0 },
      answer(stream) {
        if (stream.id === 15) stream.session?.settings({ headerTableSize: 70_000, maxFrameSize: 20_000 });
        stream.respond(
          { ':status': 200, 'x-kept': 'answer'.repeat(20), 'x-other': String(stream.id) },
          { endStream: true },
        );
      },
      async during(session) {
        for (const headerTableSize of [65_536, 0, 300]) {
          await new Promise<void>((resolve) => session.settings({ headerTableSize }, () => resolve()));
          for (let at = 0; at < 5; at += 1) {
            const stream = session.request({ ':path': `/${headerTableSize}`, 'x-kept': `${'k'.repeat(50)}${at}` });
            stream.resume();
            await new Promise((resolve) => stream.once('close', resolve));
          }
        }
      },
    });
    const readers = { agent: readHttp2('agent'), provider: readHttp2('provider') };
    const heads: Record<keyof typeof readers, RawHeaders[]> = { agent: [], provider: [] };
    for (const { from, bytes } of talk) {
      for (const event of readers[from].push(bytes)) {
        if (event.type === 'settings') readers[from === 'agent' ? 'provider' : 'agent'].allow(event);
        if (event.type === 'headers') heads[from].push(event.headers);
      }
    }
    expect(heads.agent).toEqual(seen);
    expect(heads.provider.map((list) => list.find(([name]) => name === 'x-other')?.[1])).toEqual(
      Array.from({ length: 16 }, (_, at) => String(2 * at + 1)),
    );
  });
});

describe('what no receiver would take is the last that is read', () => {
  const begun = Buffer.concat([preface, settings()]);
  const open = frame(kinds.headers, 1, a1);
  const cases: [name: string, bytes: Buffer][] = [
    ['another preface', Buffer.from('GET / HTTP/1.1\r\n\r\n')],
    ['a frame before the settings', Buffer.concat([preface, headers(1, { a: '1' })])],
    ['a frame longer than was allowed', Buffer.concat([begun, frame(kinds.data, 1, Buffer.alloc(16_385))])],
    ['one of an unknown kind, too', Buffer.concat([begun, frame(0xfe, 1, Buffer.alloc(16_385))])],
    ['a body of no stream', Buffer.concat([begun, frame(kinds.data, 0, Buffer.of(1))])],
    ['headers of no stream', Buffer.concat([begun, frame(kinds.headers, 0, a1, flags.endHeaders)])],
    ['settings of a stream', Buffer.concat([begun, frame(kinds.settings, 1)])],
    ['settings of five bytes', Buffer.concat([begun, frame(kinds.settings, 0, Buffer.alloc(5))])],
    [
      'settings and an acknowledgement in one',
      Buffer.concat([begun, frame(kinds.settings, 0, Buffer.alloc(6), flags.ack)]),
    ],
    ['a reset of three bytes', Buffer.concat([begun, frame(kinds.reset, 1, Buffer.alloc(3))])],
    ['a farewell of seven bytes', Buffer.concat([begun, frame(kinds.goAway, 0, Buffer.alloc(7))])],
    ['more padding than there is', Buffer.concat([begun, frame(kinds.data, 1, Buffer.of(1), flags.padded)])],
    ['padding of nothing', Buffer.concat([begun, frame(kinds.data, 1, Buffer.alloc(0), flags.padded)])],
    ['more padding than headers', Buffer.concat([begun, frame(kinds.headers, 1, Buffer.of(9, 0), flags.padded | 4)])],
    ['a priority that is cut', Buffer.concat([begun, frame(kinds.headers, 1, Buffer.alloc(4), flags.priority | 4)])],
    ['a continuation of nothing', Buffer.concat([begun, frame(kinds.continuation, 1, a1, flags.endHeaders)])],
    [
      'a continuation of another stream',
      Buffer.concat([begun, open, frame(kinds.continuation, 3, a1, flags.endHeaders)]),
    ],
    ['a body in the middle of headers', Buffer.concat([begun, open, frame(kinds.data, 1, Buffer.of(1))])],
    ['headers in the middle of headers', Buffer.concat([begun, open, open])],
    ['headers that are none', Buffer.concat([begun, frame(kinds.headers, 1, Buffer.of(0x80), flags.endHeaders)])],
  ];
  it.each(cases)('%s', (_, bytes) => {
    const reader = readHttp2('agent');
    reader.push(bytes);
    expect(reader.isLost()).toBe(true);
    expect(reader.push(headers(7, { a: '1' }))).toEqual([]);
  });

  it('a flood of continuations: a megabyte of them is kept at the most', () => {
    const reader = readHttp2('agent');
    reader.push(Buffer.concat([begun, open]));
    const more = frame(kinds.continuation, 1, Buffer.alloc(16_384));
    let count = 0;
    for (; !reader.isLost() && count < 1_000; count += 1) reader.push(more);
    expect(count).toBe(64);
  });

  it('settings of more than a megabyte', () => {
    const reader = readHttp2('agent');
    reader.allow({ frameBytes: 2 ** 24 - 1 });
    reader.push(Buffer.concat([begun, Buffer.from('200000040000000000', 'hex')]));
    expect(reader.isLost()).toBe(true);
  });

  it('but a body of any length that was allowed is read', () => {
    const reader = readHttp2('agent');
    reader.allow({ frameBytes: 2 ** 24 - 1 });
    const data = Buffer.alloc(2 ** 24 - 1, 'x');
    const events = reader.push(Buffer.concat([begun, frame(kinds.data, 1, data)]));
    expect(events.at(-1)).toMatchObject({ type: 'data', streamId: 1 });
    expect(reader.isLost()).toBe(false);
  });
});
