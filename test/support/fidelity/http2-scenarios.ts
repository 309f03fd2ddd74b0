// What is said over HTTP/2, and where it comes out otherwise.
import { constants, type ServerHttp2Stream } from 'node:http2';
import { setTimeout as pause } from 'node:timers/promises';
import type { Http2Client, Http2Scenario } from './http2-both-ways.ts';

// Pseudo-headers in the order in which http2-wrapper writes them.
const get = (path = '/') => ({ ':method': 'GET', ':path': path, ':scheme': 'https', ':authority': 'chatgpt.com' });
const post = { ...get(), ':method': 'POST' };

const ok = (stream: ServerHttp2Stream): void => {
  stream.respond({ ':status': 200, 'x-a': '1' });
  stream.end('ok');
};
const asking =
  (headers: Record<string, string | string[]>, body?: string) =>
  async (client: Http2Client): Promise<void> => {
    await client.closed(client.ask(headers, body));
  };
const request = (name: string, headers: Record<string, string | string[]>, body?: string): Http2Scenario => ({
  name,
  client: asking(headers, body),
  upstream: (stream) => stream.once('end', () => ok(stream)),
});
const response = (name: string, upstream: Http2Scenario['upstream'], headers = get()): Http2Scenario => ({
  name,
  client: asking(headers),
  upstream,
});

export const http2Scenarios: readonly Http2Scenario[] = [
  request('a GET', get('/backend-api/codex/models?x=1')),
  request('headers: order, empty values, spaces inside', {
    ...get(),
    'x-b': '1',
    'x-a': '',
    accept: '*/*',
    'x-c': 'a  b',
  }),
  request('headers: repeated', { ...get(), 'x-a': ['1', '2'], 'x-b': '3' }),
  request('headers: cookies in pieces', { ...get(), cookie: ['a=1', 'b=2'] }),
  request('headers: te: trailers', { ...get(), te: 'trailers' }),
  request('headers: bytes above 127', { ...get(), 'x-latin': 'caf\u00e9' }),
  request('headers: of 30 kB', { ...get(), 'x-long': 'x'.repeat(30_000) }),
  request('headers: 100 of them', {
    ...get(),
    ...Object.fromEntries(Array.from({ length: 100 }, (_, at) => [`x-${at}`, `${at}`])),
  }),
  request('headers: 500 of them', {
    ...get(),
    ...Object.fromEntries(Array.from({ length: 500 }, (_, at) => [`x-${at}`, `${at}`])),
  }),
  request('pseudo-headers in another order', {
    ':method': 'GET',
    ':scheme': 'https',
    ':authority': 'chatgpt.com',
    ':path': '/',
  }),
  ...['/a//b/../c', '/%7Euser/%2e%2e/x?q=%20+', '/{z}|"'].map((path) => request(`path: ${path}`, get(path))),
  ...['PUT', 'DELETE', 'OPTIONS', 'PROPFIND'].map((method) =>
    request(`method: ${method}`, { ...get(), ':method': method }),
  ),
  request('body: without a length', post, 'hello\0\u00ff'),
  request('body: with a length', { ...post, 'content-length': '5' }, 'hello'),
  request('body: of 1 MB', post, 'x'.repeat(1_000_000)),
  {
    name: 'trailers of a request',
    differs: { direct: 'upstream: trailer x-sum: 1', tapes: 'upstream: nothing' },
    async client(client) {
      const stream = client.ask(post, 'body', { waitForTrailers: true });
      stream.on('wantTrailers', () => stream.sendTrailers({ 'x-sum': '1' }));
      await client.closed(stream);
    },
    upstream(stream) {
      stream.on('end', () => ok(stream));
    },
  },
  response('response headers: order, repeats, cookies', (stream) => {
    stream.respond({
      ':status': 299,
      'x-b': '1',
      'set-cookie': ['a=1', 'b=2'],
      'x-a': ['2', '3'],
      'x-empty': '',
      'content-length': '2',
    });
    stream.end('ok');
  }),
  response('trailers of a response', (stream) => {
    stream.respond({ ':status': 200 }, { waitForTrailers: true });
    stream.on('wantTrailers', () => stream.sendTrailers({ 'grpc-status': '0', 'x-sum': '1' }));
    stream.end('ok');
  }),
  response('1xx: 103 early hints, twice', (stream) => {
    stream.additionalHeaders({ ':status': 103, link: '</a>' });
    stream.additionalHeaders({ ':status': 103, link: '</b>' });
    ok(stream);
  }),
  response(
    'HEAD',
    (stream) => {
      stream.respond({ ':status': 200, 'content-length': '1234' }, { endStream: true });
    },
    { ...get(), ':method': 'HEAD' },
  ),
  ...[204, 304].map((status) =>
    response(`${status}`, (stream) => stream.respond({ ':status': status, etag: '"x"' }, { endStream: true })),
  ),
  {
    name: 'an early answer, while the request goes on',
    async client(client) {
      const stream = client.ask(post, null);
      stream.write('one');
      await new Promise((resolve) => stream.once('response', resolve));
      stream.end('two');
      await client.closed(stream);
    },
    upstream(stream) {
      stream.respond({ ':status': 200 });
      stream.on('end', () => stream.end('ok'));
    },
  },
  ...(
    ['NGHTTP2_CANCEL', 'NGHTTP2_REFUSED_STREAM', 'NGHTTP2_INTERNAL_ERROR', 'NGHTTP2_ENHANCE_YOUR_CALM'] as const
  ).flatMap((code) => [
    {
      ...response(`${code} before the headers`, (stream) => stream.once('end', () => stream.close(constants[code]))),
      ...(code === 'NGHTTP2_CANCEL' ? { differs: { direct: 'client: ended', tapes: 'client: broken off' } } : {}),
    },
    response(`${code} in a body`, (stream) => {
      stream.respond({ ':status': 200 });
      stream.write('begun', () => setTimeout(() => stream.close(constants[code]), 50));
    }),
  ]),
  {
    name: 'the client cancels in the middle of an answer',
    differs: { direct: 'upstream: code 8', tapes: 'upstream: code 0' },
    async client(client) {
      const stream = client.ask(get());
      await new Promise((resolve) => stream.once('data', resolve));
      stream.close(constants.NGHTTP2_CANCEL);
      await client.closed(stream);
    },
    upstream(stream) {
      stream.respond({ ':status': 200 });
      stream.write('begun');
    },
  },
  {
    name: 'five requests side by side, answered in another order',
    async client(client) {
      await Promise.all([5, 4, 3, 2, 1].map((at) => client.closed(client.ask(get(`/${at}`)))));
    },
    upstream(stream) {
      stream.respond({ ':status': 200 });
      // The later a stream was opened, the sooner it is answered.
      setTimeout(() => stream.end('ok'), 200 / (stream.id ?? 1));
    },
  },
  {
    name: 'GOAWAY behind an answer',
    differs: { direct: 'client: goaway 0', tapes: 'client: goaway none' },
    async client(client) {
      await client.closed(client.ask(get()));
      await pause(300);
    },
    upstream(stream, session) {
      ok(stream);
      stream.once('close', () => session.goaway(constants.NGHTTP2_NO_ERROR));
    },
  },
  {
    name: 'a slow reader of 8 MB: nothing is lost',
    async client(client) {
      const stream = client.ask(get());
      stream.pause();
      await pause(500);
      stream.resume();
      await client.closed(stream);
    },
    upstream(stream) {
      stream.respond({ ':status': 200 });
      stream.end(Buffer.alloc(8_000_000, 'x'));
    },
  },
];
