// HTTP/2 of an intercepted host: what is told of it, what it takes of memory, and what happens where it does not go well. That it passes as it is, is
// shown in fidelity.test.ts.
import { once } from 'node:events';
import { connect as connectHttp2, type ClientHttp2Session } from 'node:http2';
import { readFileSync } from 'node:fs';
import type { AddressInfo } from 'node:net';
import { Duplex } from 'node:stream';
import { connect as connectTls, createServer, type Server, type TLSSocket } from 'node:tls';
import { setTimeout as pause } from 'node:timers/promises';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { afterEach, describe, expect, it } from 'vitest';
import { makeLeaf, readTestRoot, testRootFile } from '../support/certificates.ts';
import { startStandIn, text } from '../support/chatgpt/index.ts';
import { openStage } from '../support/fidelity/both-ways.ts';
import { flags, frame, headers, kinds, preface, reset, settings } from '../support/http2-frames.ts';
import { startInterceptor, type TestInterceptor } from '../support/interceptor.ts';
import { needs } from '../support/programs.ts';
import { run } from '../support/run.ts';

const closing: (() => unknown)[] = [];
afterEach(async () => {
  for (const close of closing.splice(0).reverse()) await close();
});

/** A provider that does with each connection what `onConnection` does, and what it speaks is asked each time. */
async function set(
  alpn: () => string,
  onConnection: (socket: TLSSocket) => void,
): Promise<{ tapes: TestInterceptor; server: Server; connections: () => number }> {
  let connections = 0;
  const leaf = makeLeaf(readTestRoot(), ['chatgpt.com']);
  const server = createServer(
    {
      ...leaf,
      ALPNCallback: ({ protocols }: { protocols: string[] }) => protocols.find((name) => name === alpn()),
    } as object,
    (socket) => {
      connections += 1;
      closing.push(() => socket.destroy());
      socket.on('error', () => undefined);
      onConnection(socket);
    },
  );
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  closing.push(() => server.close());
  const { port } = server.address() as AddressInfo;
  const tapes = await startInterceptor({
    standIn: { caFile: testRootFile, resolveArgs: () => ['--resolve', `chatgpt.com:443:127.0.0.1:${port}`] },
  });
  closing.push(() => tapes.close());
  return { tapes, server, connections: () => connections };
}

const curl = needs('curl');

const request = { ':method': 'POST', ':scheme': 'https', ':authority': 'chatgpt.com', ':path': '/' };
const hello = Buffer.concat([preface, settings()]);

async function openSession(tapes: TestInterceptor): Promise<ClientHttp2Session> {
  const socket = await tapes.connectTls('chatgpt.com', 443, { ALPNProtocols: ['h2'] });
  const session = connectHttp2('https://chatgpt.com', { createConnection: () => socket });
  session.on('error', () => undefined);
  closing.push(() => session.destroy());
  return session;
}

async function standInBehindTapes(tellsUpstream = false): Promise<TestInterceptor> {
  const standIn = await startStandIn({ http2: true, scenario: () => text('Hello', { chunks: ['He', 'l', 'lo'] }) });
  closing.push(() => standIn.close());
  const tapes = await startInterceptor({ standIn, tellsUpstream });
  closing.push(() => tapes.close());
  return tapes;
}

describe('what is told of an exchange', () => {
  it('are its heads as they were, pseudo-headers among them, its bytes, and the connection that it took', async () => {
    const tapes = await standInBehindTapes(true);
    const session = await openSession(tapes);
    const stream = session.request({
      ':path': '/backend-api/codex/responses?x=1',
      ':method': 'POST',
      'x-one': '1',
      cookie: ['a=1', 'b=2'],
    });
    stream.end('{"input":[]}');
    let answer = '';
    for await (const chunk of stream) answer += String(chunk);
    await tapes.waitFor('responseEnded');
    const [started] = await tapes.waitFor('requestStarted');
    expect(started!.request).toMatchObject({
      method: 'POST',
      scheme: 'https',
      host: 'chatgpt.com',
      port: 443,
      path: '/backend-api/codex/responses?x=1',
      httpVersion: '2.0',
      headers: [
        [':path', '/backend-api/codex/responses?x=1'],
        [':method', 'POST'],
        [':authority', 'chatgpt.com:443'],
        [':scheme', 'https'],
        ['x-one', '1'],
        ['cookie', 'a=1'],
        ['cookie', 'b=2'],
      ],
      client: { address: '127.0.0.1' },
    });
    const [answered] = await tapes.waitFor('responseStarted');
    expect(answered!.response).toMatchObject({ status: 200, reason: '' });
    expect(answered!.response.headers.slice(0, 2)).toEqual([
      [':status', '200'],
      ['content-type', 'text/event-stream'],
    ]);
    const { upstream } = answered!;
    expect(upstream).toMatchObject({ requestHeaders: started!.request.headers, response: answered!.response });
    const there = tapes.connections.filter(({ type, leg }) => type === 'connectionOpened' && leg === 'provider');
    expect(there).toContainEqual(expect.objectContaining({ client: upstream!.local, server: upstream!.remote }));
    const told = Buffer.concat((await tapes.waitFor('responseData')).map(({ data }) => data)).toString();
    expect(told).toBe(answer);
    expect(Buffer.concat((await tapes.waitFor('requestData')).map(({ data }) => data)).toString()).toBe('{"input":[]}');
  });

  it('is who ended the connection, on both sides', async () => {
    const tapes = await standInBehindTapes(true);
    const session = await openSession(tapes);
    const stream = session.request({ ':path': '/backend-api/nothing' });
    stream.resume();
    await once(stream, 'close');
    session.close();
    const ends = () => tapes.connections.flatMap((event) => (event.type === 'connectionEnded' ? [event] : []));
    await expect
      .poll(() =>
        ends()
          .map(({ leg }) => leg)
          .toSorted(),
      )
      .toEqual(['agent', 'provider']);
    for (const end of ends()) expect(end).toMatchObject({ by: 'client', isReset: false });
  });

  it('is that the agent hung up, where it did', async () => {
    const tapes = await standInBehindTapes();
    const session = await openSession(tapes);
    const stream = session.request({ ':path': '/backend-api/codex/responses', ':method': 'POST' });
    stream.on('error', () => undefined);
    stream.write('half');
    await tapes.waitFor('requestData');
    session.destroy();
    const [aborted] = await tapes.waitFor('exchangeAborted');
    expect(aborted).toMatchObject({ by: 'agent', error: null });
  });

  it.skipIf(curl.skip)(`is what curl says${curl.reason}`, async () => {
    const tapes = await standInBehindTapes();
    const url = 'https://chatgpt.com/backend-api/nothing';
    const said = await run(
      'curl',
      ['-sS', '--http2', '-o', '/dev/null', '-w', '%{http_version} %{http_code}', url, url],
      {
        env: { PATH: process.env['PATH'] ?? '', HTTPS_PROXY: tapes.proxyUrl, CURL_CA_BUNDLE: tapes.caFile },
        timeoutMs: 15_000,
      },
    );
    expect(said.stderr).toBe('');
    expect(said.stdout).toContain('2 404');
    const asked = await tapes.waitFor('requestStarted', 2);
    for (const { request: head } of asked) {
      expect(head).toMatchObject({ method: 'GET', path: '/backend-api/nothing', httpVersion: '2.0' });
      expect(head.headers.map(([name]) => name).slice(0, 4)).toEqual([':method', ':path', ':scheme', ':authority']);
    }
    await tapes.waitFor('responseEnded', 2);
    // Both on one connection.
    expect(new Set(asked.map(({ request: { client } }) => client!.port)).size).toBe(1);
  });
});

describe('the provider', () => {
  it('gets one connection for each of the agent, and none for an agent that opens none', async () => {
    const { tapes, connections } = await set(
      () => 'h2',
      (socket) => socket.write(settings()),
    );
    await openSession(tapes);
    await openSession(tapes);
    await expect.poll(connections).toBe(2);
  });

  it('that no longer speaks HTTP/2 is a broken connection, and the next one speaks what it speaks', async () => {
    let alpn = 'h2';
    const { tapes } = await set(
      () => alpn,
      (socket) => {
        if (socket.alpnProtocol !== 'h2')
          socket.once('data', () => socket.end('HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok'));
      },
    );
    await openSession(tapes);
    alpn = 'http/1.1';
    // It is reset at once, be it in the middle of the agent's handshake.
    const failure = await openSession(tapes)
      .then((session) => once(session.request({ ':path': '/' }), 'response'))
      .catch((error: Error) => error);
    expect(failure).toBeInstanceOf(Error);
    const next = await tapes.connectTls('chatgpt.com', 443, { ALPNProtocols: ['h2', 'http/1.1'] });
    expect(next.alpnProtocol).toBe('http/1.1');
    next.write('GET / HTTP/1.1\r\nHost: chatgpt.com\r\n\r\n');
    const [answer] = (await once(next, 'data')) as [Buffer];
    expect(answer.toString()).toMatch(/^HTTP\/1\.1 200 OK/);
    next.destroy();
  });
});

describe('frames that come together', () => {
  it('go on together, and the first of them at once', async () => {
    const records: number[] = [];
    const { tapes } = await set(
      () => 'h2',
      // A piece of a TLS connection is a record.
      (socket) => socket.on('data', ({ length }: Buffer) => records.push(length)),
    );
    const raw = await tapes.connect('chatgpt.com', 443);
    /** What is to be one write to the TCP connection. */
    let held: Buffer[] | null = null;
    const below = new Duplex({
      read: () => undefined,
      write(chunk: Buffer, _encoding, done) {
        if (held === null) raw.write(chunk);
        else held.push(chunk);
        done();
      },
    });
    raw.on('data', (chunk) => below.push(chunk)).resume();
    const ca = readFileSync(tapes.caFile);
    const socket = connectTls({ socket: below, servername: 'chatgpt.com', ca, ALPNProtocols: ['h2'] });
    await once(socket, 'secureConnect');
    socket.write(hello);
    await expect.poll(() => records).toEqual([hello.length]);
    const ping = frame(kinds.ping, 0, Buffer.alloc(8));
    held = [];
    // A record each.
    for (let at = 0; at < 50; at += 1) await new Promise((resolve) => socket.write(ping, resolve));
    expect(held.length).toBeGreaterThanOrEqual(50);
    raw.write(Buffer.concat(held));
    await expect.poll(() => records.reduce((sum, size) => sum + size, 0)).toBe(hello.length + 50 * ping.length);
    expect(records[1]).toBe(ping.length);
    expect(records.length).toBeLessThan(10);
    socket.destroy();
    raw.destroy();
  });
});

describe('an agent that does not read', () => {
  const megabyte = frame(kinds.data, 1, Buffer.alloc(1_000_000, 'x'));
  const megabytes = 64;

  it.each(['direct', 'tapes'] as const)('holds the provider up (%s), and then gets everything', async (way) => {
    const stage = await openStage({ alpn: ['h2'] });
    closing.push(() => stage.close());
    let written = 0;
    let writtenMeanwhile = 0;
    const { client } = await stage.observe(
      {
        name: 'slow',
        async client(peer) {
          // Windows that hold nobody up: it is the connection below that has to.
          const widest = Buffer.from('7fff0000', 'hex');
          await peer.write(
            Buffer.concat([
              preface,
              settings([
                [4, 2 ** 31 - 1],
                [5, 2 ** 24 - 1],
              ]),
              frame(kinds.windowUpdate, 0, widest),
            ]),
          );
          await peer.write(headers(1, { ...request, ':method': 'GET' }, flags.endStream));
          await peer.until(settings().length);
          peer.pause();
          await pause(1_000);
          writtenMeanwhile = written;
          peer.resume();
          await peer.ended();
        },
        async upstream(peer) {
          await peer.until(preface.length);
          await peer.write(Buffer.concat([settings(), headers(1, { ':status': '200' })]));
          for (; written < megabytes; written += 1) await peer.write(megabyte);
          peer.end();
        },
      },
      way,
    );
    // What fits into the buffers of two connections, and not the rest.
    expect(writtenMeanwhile).toBeLessThan(megabytes / 2);
    expect(client.received.length).toBeGreaterThan(megabytes * 1_000_000);
    expect(client.ending).toBe('end');
  });
});

/** Once it has seen a hundred pieces it keeps no more of the next two hundred: within 1 MB, in 48 floods. */
const boundMegabytes = 5;

setFlagsFromString('--expose-gc');
const collectGarbage = runInNewContext('gc') as () => void;

/** What is in memory and still needed. One collection is not enough: what buffers held is given back by a thread of its own. */
async function keptBytes(): Promise<number> {
  let least = Number.POSITIVE_INFINITY;
  for (let round = 0; round < 5; round += 1) {
    collectGarbage();
    await pause(20);
    const { heapUsed, external } = process.memoryUsage();
    least = Math.min(least, heapUsed + external);
  }
  return least;
}

describe('floods pass, and what they take is bounded', () => {
  const many = (count: number, make: (nth: number) => readonly Buffer[]): Buffer =>
    Buffer.concat(Array.from({ length: count }, (_, nth) => make(nth)).flat());
  const open = frame(kinds.headers, 1, Buffer.of(0x82));
  const longField = Buffer.concat([Buffer.from('4001617fe11e', 'hex'), Buffer.alloc(4_064, 'v')]);
  /** What is sent first, and then 300 times. */
  const floods: [name: string, first: Buffer, piece: (at: number) => Buffer][] = [
    ['of continuations', open, () => many(20, () => [frame(kinds.continuation, 1, Buffer.alloc(16_000))])],
    ['of empty continuations', open, () => many(1_700, () => [frame(kinds.continuation, 1)])],
    ['of bodies of one byte', headers(1, request), () => many(1_600, () => [frame(kinds.data, 1, Buffer.of(1))])],
    [
      'of pings and settings',
      Buffer.alloc(0),
      () => many(900, () => [frame(kinds.ping, 0, Buffer.alloc(8)), settings()]),
    ],
    ['of frames that nobody knows', Buffer.alloc(0), () => many(20, () => [frame(0xee, 1, Buffer.alloc(16_000))])],
    [
      'of requests, each reset at once',
      Buffer.alloc(0),
      (at) => many(100, (nth) => [headers(200 * at + 2 * nth + 1, request), reset(200 * at + 2 * nth + 1, 8)]),
    ],
    [
      'of requests that stay open',
      Buffer.alloc(0),
      (at) => many(150, (nth) => [headers(300 * at + 2 * nth + 1, request)]),
    ],
    [
      'of headers that unpack to a hundred times as much',
      frame(kinds.headers, 1, longField, flags.endHeaders),
      (at) => frame(kinds.headers, 2 * at + 3, Buffer.alloc(200, 0xbe), flags.endHeaders),
    ],
  ];
  it.each(floods)('%s', async (_, first, piece) => {
    let received = 0;
    const { tapes } = await set(
      () => 'h2',
      (socket) => {
        socket.write(settings());
        socket.on('data', (bytes: Buffer) => (received += bytes.length));
      },
    );
    const socket = await tapes.connectTls('chatgpt.com', 443, { ALPNProtocols: ['h2'] });
    socket.on('error', () => undefined).resume();
    let sent = 0;
    const write = async (bytes: Buffer): Promise<void> => {
      sent += bytes.length;
      if (!socket.write(bytes)) await once(socket, 'drain');
    };
    await write(Buffer.concat([hello, first]));
    // What is told goes to nobody here: it is not tapes that keeps it.
    const forget = (): number => (tapes.events as unknown[]).splice(0).length;
    /** What is kept once all that was sent has arrived, and all of it is told: that is done behind the traffic. */
    const keptWhenPassed = async (): Promise<number> => {
      let quiet = 0;
      const passed = (): boolean => {
        quiet = forget() > 0 || received < sent ? 0 : quiet + 1;
        return quiet >= 5;
      };
      await expect.poll(passed, { timeout: 20_000, interval: 20 }).toBe(true);
      return await keptBytes();
    };
    let before = 0;
    for (let at = 0; at < 300; at += 1) {
      await write(piece(at));
      forget();
      if (at === 100) before = await keptWhenPassed();
    }
    expect(((await keptWhenPassed()) - before) / 2 ** 20).toBeLessThan(boundMegabytes);
    socket.destroy();
  });
});
