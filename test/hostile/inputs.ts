// What a hostile provider answers and a hostile agent asks, as streams of bytes that are made as they are sent. `scale` makes the large ones
// larger: 1 in CI; `npm run hostile` sends the line of 1 GB and two million events.
import { brotliCompressSync, constants, gzipSync } from 'node:zlib';

import type { RawHeaders } from '../../src/domain/index.ts';

type Chunks = Iterable<Uint8Array>;

export interface HostileInput {
  readonly name: string;
  readonly request: { readonly headers: RawHeaders; readonly chunks: () => Chunks };
  readonly answer: () => { readonly headers: RawHeaders; readonly chunks: Chunks };
  /** What the recording says of each body; null: that nothing is wrong with it. */
  readonly says: { readonly request: RegExp | null; readonly response: RegExp | null };
  /** How the call ends. */
  readonly status: string;
  /** The process may have this much in memory at the most, all that it had before included. */
  readonly boundMegabytes: number;
}

const megabyte = 1024 * 1024;
const completed =
  'event: response.completed\ndata: {"type":"response.completed","response":{"id":"resp_1","status":"completed","output":[]}}\n\n';
const eventStream: RawHeaders = [['Content-Type', 'text/event-stream']];
const usualBody = Buffer.from(
  '{"model":"gpt-6.1-sol","stream":true,"input":[{"type":"message","role":"user","content":"hi"}]}',
);
const usualRequest = { headers: [['Content-Type', 'application/json']] as RawHeaders, chunks: () => [usualBody] };
const usualAnswer = (): ReturnType<HostileInput['answer']> => ({
  headers: eventStream,
  chunks: [Buffer.from(completed)],
});

/** What it costs the process to stand, and to have a usual call pass. */
const standing = 250;

const ofAnswer = (
  name: string,
  says: RegExp | null,
  boundMegabytes: number,
  chunks: () => Chunks,
  more: { headers?: RawHeaders; status?: string } = {},
): HostileInput => ({
  name,
  request: usualRequest,
  answer: () => ({ headers: [...eventStream, ...(more.headers ?? [])], chunks: chunks() }),
  says: { request: null, response: says },
  status: more.status ?? 'completed',
  boundMegabytes: standing + boundMegabytes,
});

const ofRequest = (
  name: string,
  says: RegExp | null,
  boundMegabytes: number,
  chunks: () => Chunks,
  headers: RawHeaders = [],
): HostileInput => ({
  name,
  request: { headers: [['Content-Type', 'application/json'], ...headers], chunks },
  answer: usualAnswer,
  says: { request: says, response: null },
  status: 'completed',
  boundMegabytes: standing + boundMegabytes,
});

const encoded = (encoding: string): { headers: RawHeaders; status: string } => ({
  headers: [['Content-Encoding', encoding]],
  status: 'truncated',
});

export function hostileInputs(scale: number): HostileInput[] {
  const zeros = Buffer.alloc(64 * megabyte);
  const gzip = gzipSync(zeros);
  const brotli = brotliCompressSync(zeros, { params: { [constants.BROTLI_PARAM_QUALITY]: 4 } });
  const tooMuch = /decodes to more than \d+ bytes/;
  // The recorder may fall behind a flood on a busy machine: then it says so.
  const flood = (says: RegExp): RegExp => new RegExp(`${says.source}|were not recorded`);
  return [
    {
      name: 'nothing hostile',
      request: usualRequest,
      answer: usualAnswer,
      says: { request: null, response: null },
      status: 'completed',
      boundMegabytes: standing,
    },
    ofAnswer('a gzip bomb', tooMuch, 350, () => [gzip], encoded('gzip')),
    ofAnswer('a gzip bomb in a gzip bomb', tooMuch, 350, () => [gzipSync(gzip)], encoded('gzip, gzip')),
    ofAnswer('a brotli bomb', tooMuch, 350, () => [brotli], encoded('br')),
    ofAnswer('a zstd bomb', tooMuch, 350, () => [zstdOfZeros(4096)], encoded('zstd')),
    ofAnswer('a zstd bomb in gzip', tooMuch, 350, () => [gzipSync(zstdOfZeros(4096))], encoded('zstd, gzip')),
    ofAnswer('a zstd frame that asks for a window of 2 GiB', null, 100, () => [zstdOfText(completed)], {
      headers: [['Content-Encoding', 'zstd']],
    }),
    ofAnswer('a dozen encodings', /unsupported|more than 5 encodings/, 50, () => [Buffer.from(completed)], {
      headers: [['Content-Encoding', Array(12).fill('gzip').join(', ')]],
    }),
    ofRequest('a request that is a zstd bomb', tooMuch, 500, () => [zstdOfZeros(8192)], [['Content-Encoding', 'zstd']]),
    ofRequest('a request that is nested half a million deep', null, 300, () => nested(500_000, '{"input":', '}')),
    ofRequest('a request of millions of empty objects', /not read: the body, which holds more than/, 450, () => [
      Buffer.from(`{"input":[${'{},'.repeat(8_000_000)}{}]}`),
    ]),
    ofAnswer('an item that is nested a hundred thousand deep', null, 250, () => [
      ...nested(
        100_000,
        'data: {"type":"response.output_item.done","output_index":0,"item":{"type":"message","x":',
        '}}\n\n',
      ),
      Buffer.from(completed),
    ]),
    ofAnswer('an event of millions of empty lists', /not read: 1 event of the answer: too much to be kept/, 450, () => [
      Buffer.from(`data: {"type":"x","y":[${'[],'.repeat(4_000_000)}[]]}\n\n${completed}`),
    ]),
    ofAnswer(
      `a line of ${64 * scale} MB without an end`,
      flood(/not read: 1 event of the answer: too long/),
      450,
      () => longLine(64 * scale),
      { status: 'truncated' },
    ),
    ofAnswer(
      'an event of millions of empty data lines',
      flood(/not read: 1 event of the answer: too long/),
      300,
      () => [...repeated('data:\n', 3_000_000), Buffer.from(`\n${completed}`)],
    ),
    ofAnswer(`${(200_000 * scale).toLocaleString('en-US')} events`, flood(/^$/), 400, () => [
      ...events(200_000 * scale),
    ]),
    ofAnswer('a hundred thousand items', flood(/not read: \d+ events of the answer: too much to be kept/), 400, () =>
      items(100_000),
    ),
    ofAnswer('200 kB of headers', null, 100, () => [Buffer.from(completed)], {
      headers: [
        ...Array.from({ length: 100 }, (_, at) => [`X-Many-${at}`, 'y'.repeat(1000)] as const),
        ['X-Long', 'z'.repeat(100_000)],
      ],
    }),
    ofRequest('a request with 200 kB of headers', null, 100, () => [usualBody], [
      ['X-Long', 'z'.repeat(100_000)],
      ['Cookie', Array.from({ length: 300 }, (_, at) => `c${at}=${'Zx9'.repeat(100)}${at}`).join('; ')],
    ]),
    ofAnswer('bytes that are no UTF-8, and NUL', null, 50, () => [
      Buffer.concat([
        Buffer.from('data: {"type":"x","y":"'),
        Buffer.of(0xff, 0xfe, 0, 0xc3, 0xed, 0xa0, 0x80),
        Buffer.from(`"}\n\n${completed}`),
      ]),
    ]),
    ofRequest('a request of no UTF-8, and NUL', null, 50, () => [
      Buffer.of(0x7b, 0x22, 0xff, 0x22, 0x3a, 0x22, 0, 0x22, 0x7d),
    ]),
    ofRequest('__proto__ and constructor as keys', null, 50, () => [
      Buffer.from(
        '{"__proto__":{"model":"x"},"constructor":{"prototype":{"y":1}},"input":[{"__proto__":{"role":"user"},"type":"message"}]}',
      ),
    ]),
    ofAnswer('an answer in chunks of one byte', null, 100, () =>
      Array.from(Buffer.from(`: ${'x'.repeat(20_000)}\n\n${completed}`), (byte) => Buffer.of(byte)),
    ),
  ];
}

/** A frame of 128 KiB blocks that each repeat one byte: four bytes for each. */
function zstdOfZeros(blocks: number): Buffer {
  const parts = [Buffer.from([0x28, 0xb5, 0x2f, 0xfd, 0x00, 0x38])];
  for (let block = 1; block <= blocks; block += 1) {
    const header = Buffer.alloc(4);
    header.writeUIntLE((131_072 << 3) | 2 | (block === blocks ? 1 : 0), 0, 3);
    parts.push(header);
  }
  return Buffer.concat(parts);
}

/** One uncompressed block, in a frame whose window descriptor says 2 GiB. */
function zstdOfText(text: string): Buffer {
  const header = Buffer.alloc(3);
  header.writeUIntLE((text.length << 3) | 1, 0, 3);
  return Buffer.concat([Buffer.from([0x28, 0xb5, 0x2f, 0xfd, 0x00, 0xa8]), header, Buffer.from(text)]);
}

const nested = (depth: number, before: string, after: string): Buffer[] => [
  Buffer.from(`${before}${'['.repeat(depth)}${']'.repeat(depth)}${after}`),
];

function* longLine(megabytes: number): Iterable<Buffer> {
  yield Buffer.from('data: ');
  const chunk = Buffer.alloc(64 * 1024, 'a');
  for (let left = megabytes * 16; left > 0; left -= 1) yield chunk;
}

function* repeated(text: string, times: number): Iterable<Buffer> {
  const chunk = Buffer.from(text.repeat(10_000));
  for (let left = times / 10_000; left > 0; left -= 1) yield chunk;
}

function* events(count: number): Iterable<Buffer> {
  const delta = 'data: {"type":"response.output_text.delta","output_index":0,"delta":"a "}\n\n';
  yield* repeated(delta, count);
  yield Buffer.from(
    'data: {"type":"response.output_item.done","output_index":0,"item":{"type":"message","role":"assistant","content":[]}}\n\n',
  );
  yield Buffer.from(completed);
}

function* items(count: number): Iterable<Buffer> {
  for (let at = 0; at < count; at += 1000) {
    const lines = Array.from(
      { length: 1000 },
      (_, more) =>
        `data: {"type":"response.output_item.added","output_index":${at + more},"item":{"id":"i${at + more}"}}\n\n`,
    );
    yield Buffer.from(lines.join(''));
  }
  yield Buffer.from(completed);
}
