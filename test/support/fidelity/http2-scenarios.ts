// What Node's HTTP/2 can say on both ends, each run straight and through tapes.
import { constants, type ServerHttp2Stream } from 'node:http2';
import { setTimeout as pause } from 'node:timers/promises';
import type { Http2Client, Http2Scenario } from './http2-both-ways.ts';

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

/** Sessions that have said farewell: every second one does. */
const answered = new Set<object>();

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
  ...[
    [':method', ':scheme', ':authority', ':path'],
    [':path', ':authority', ':scheme', ':method'],
  ].map((order) =>
    request(
      `pseudo-headers in the order ${order.join(' ')}`,
      Object.fromEntries(order.map((name) => [name, get()[name as keyof ReturnType<typeof get>]])),
    ),
  ),
  ...['/a//b/../c', '/%7Euser/%2e%2e/x?q=%20+', '/{z}|"'].map((path) => request(`path: ${path}`, get(path))),
  ...['PUT', 'DELETE', 'OPTIONS', 'PROPFIND'].map((method) =>
    request(`method: ${method}`, { ...get(), ':method': method }),
  ),
  request('body: without a length', post, 'hello\0\u00ff'),
  request('body: with a length', { ...post, 'content-length': '5' }, 'hello'),
  request('body: of 1 MB', post, 'x'.repeat(1_000_000)),
  {
    name: 'trailers of a request',
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
    response(`${code} before the headers`, (stream) => stream.once('end', () => stream.close(constants[code]))),
    response(`${code} in a body`, (stream) => {
      stream.respond({ ':status': 200 });
      stream.write('begun', () => setTimeout(() => stream.close(constants[code]), 50));
    }),
  ]),
  {
    name: 'the client cancels in the middle of an answer',
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
  {
    name: 'GOAWAY in the middle of an answer, which goes on; the next request is on another connection',
    async client(client) {
      const stream = client.ask(get('/first'));
      await new Promise((resolve) => client.session.once('goaway', resolve));
      const next = await client.another();
      await next.closed(next.ask(get('/second')));
      await client.closed(stream);
    },
    upstream(stream, session) {
      answered.add(session);
      stream.respond({ ':status': 200 });
      stream.write('begun');
      if (answered.size % 2 === 1) session.goaway(constants.NGHTTP2_NO_ERROR, 2 ** 31 - 1);
      setTimeout(() => stream.end('done'), 100);
    },
  },
  {
    name: 'GOAWAY with a code and words of its own',
    async client(client) {
      await client.closed(client.ask(get()));
      await new Promise((resolve) => client.session.once('close', resolve));
    },
    upstream(stream, session) {
      ok(stream);
      stream.once('close', () => session.goaway(constants.NGHTTP2_ENHANCE_YOUR_CALM, 1, Buffer.from('too many')));
    },
  },
  {
    name: 'PING, from both sides',
    async client(client) {
      await new Promise<void>((resolve, reject) => {
        client.session.ping(Buffer.from('12345678'), (error, _duration, payload) =>
          error === null && payload.toString() === '12345678' ? resolve() : reject(new Error('another answer')),
        );
      });
      await client.closed(client.ask(get()));
    },
    upstream(stream, session) {
      session.ping(Buffer.from('abcdefgh'), (_error, _duration, payload) => {
        stream.respond({ ':status': 200, 'x-ping': payload.toString() });
        stream.end();
      });
    },
  },
  {
    name: 'settings that both sides change in the middle: table, frames, window',
    async client(client) {
      const kept = { 'x-kept': 'k'.repeat(100), 'x-other': 'o'.repeat(100) };
      for (const changed of [
        { headerTableSize: 0 },
        { headerTableSize: 65_536, maxFrameSize: 65_536 },
        { headerTableSize: 150, initialWindowSize: 1_000 },
      ]) {
        await new Promise<void>((resolve) => client.session.settings(changed, () => resolve()));
        for (const path of ['/a', '/b', '/c'])
          await client.closed(client.ask({ ...post, ':path': path, ...kept }, 'x'));
      }
    },
    upstream(stream, session) {
      const size = (stream.id ?? 0) * 1_000;
      session.settings({ headerTableSize: size % 7_000, maxFrameSize: 16_384 + size }, () => {
        stream.respond({ ':status': 200, 'x-kept': 'v'.repeat(100), 'x-id': String(stream.id) });
        stream.end('y'.repeat(100_000));
      });
    },
  },
  {
    name: 'a window of 1,000 bytes, and a reader that waits',
    clientSettings: { initialWindowSize: 1_000 },
    async client(client) {
      const stream = client.ask(get());
      stream.pause();
      await pause(200);
      stream.resume();
      await client.closed(stream);
    },
    upstream(stream) {
      stream.respond({ ':status': 200 });
      stream.end(Buffer.alloc(100_000, 'x'));
    },
  },
  {
    name: '100 streams at once, with bodies both ways',
    async client(client) {
      const asked = Array.from({ length: 100 }, (_, at) =>
        client.ask({ ...post, ':path': `/${at}` }, 'b'.repeat(20_000)),
      );
      await Promise.all(asked.map((stream) => client.closed(stream)));
    },
    upstream(stream) {
      stream.respond({ ':status': 200 });
      stream.on('end', () => stream.end('a'.repeat(20_000)));
    },
  },
  {
    name: 'requests that are cancelled at once, one after the other',
    async client(client) {
      for (let at = 0; at < 50; at += 1) {
        const stream = client.ask(get(`/${at}`), null);
        stream.close(constants.NGHTTP2_CANCEL);
        await client.closed(stream);
      }
      await client.closed(client.ask(get('/last')));
    },
    upstream(stream) {
      if (stream.id === 101) ok(stream);
    },
  },
  {
    name: 'a push where none is wanted',
    clientSettings: { enablePush: false },
    async client(client) {
      await client.closed(client.ask(get()));
    },
    upstream(stream) {
      stream.respond({ ':status': 200, 'x-push': String(stream.pushAllowed) });
      stream.end();
    },
  },
  {
    name: 'a push where it is wanted',
    clientSettings: { enablePush: true },
    async client(client) {
      const pushed = new Promise<string>((resolve) => {
        client.session.once('stream', (stream) => {
          let text = '';
          stream.on('data', (chunk: Buffer) => (text += chunk.toString()));
          stream.once('end', () => resolve(text));
        });
      });
      await client.closed(client.ask(get()));
      if ((await pushed) !== 'pushed') throw new Error('something else was pushed');
    },
    upstream(stream) {
      stream.pushStream({ ':path': '/pushed' }, (_error, push) => {
        push.respond({ ':status': 200 });
        push.end('pushed');
        ok(stream);
      });
    },
  },
  {
    name: 'a WebSocket (extended CONNECT): bytes both ways',
    async client(client) {
      if (!client.session.remoteSettings?.enableConnectProtocol) {
        await new Promise((resolve) => client.session.once('remoteSettings', resolve));
      }
      const stream = client.ask({ ...get('/chat'), ':method': 'CONNECT', ':protocol': 'websocket' }, null);
      stream.write(Buffer.from('8185000000006865', 'hex'));
      await new Promise((resolve) => stream.once('data', resolve));
      stream.end(Buffer.from('6c6c6f', 'hex'));
      await client.closed(stream);
    },
    upstream(stream) {
      stream.respond({ ':status': 200 });
      stream.write(Buffer.from('810568656c6c6f', 'hex'));
      stream.on('end', () => stream.end());
    },
  },
  {
    name: 'the client ends the connection once all is answered',
    async client(client) {
      await client.closed(client.ask(get()));
      await new Promise<void>((resolve) => client.session.close(resolve));
    },
    upstream: ok,
  },
];
