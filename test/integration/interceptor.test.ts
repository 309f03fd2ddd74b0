// The interceptor on the wire: real TLS, real sockets, loopback only.
import { X509Certificate } from 'node:crypto';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { request as requestHttp, type IncomingMessage } from 'node:http';
import { connect as connectHttp2 } from 'node:http2';
import { createServer, connect as connectTcp, type AddressInfo, type Server, type Socket } from 'node:net';
import type { TLSSocket } from 'node:tls';
import { afterEach, describe, expect, it } from 'vitest';
import { WebSocket } from 'ws';
import { run } from '../support/run.ts';
import {
  cutAfter,
  httpError,
  reset,
  silent,
  startStandIn,
  text,
  type StandIn,
  type StandInOptions,
} from '../support/chatgpt/index.ts';
import { startInterceptor, type TestInterceptor, type TestInterceptorOptions } from '../support/interceptor.ts';

const closing: (() => unknown)[] = [];
afterEach(async () => {
  for (const close of closing.splice(0).reverse()) await close();
});

async function set(
  options: StandInOptions = {},
  more: Partial<TestInterceptorOptions> = {},
): Promise<{ standIn: StandIn; tapes: TestInterceptor }> {
  const standIn = await startStandIn(options);
  closing.push(() => standIn.close());
  const tapes = await startInterceptor({ standIn, ...more });
  closing.push(() => tapes.close());
  return { standIn, tapes };
}

async function listenTcp(onSocket: (socket: Socket) => void): Promise<number> {
  const sockets = new Set<Socket>();
  const server: Server = createServer({ allowHalfOpen: true }, (socket) => {
    sockets.add(socket);
    socket.on('error', () => undefined);
    onSocket(socket);
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  closing.push(() => {
    for (const socket of sockets) socket.destroy();
    server.close();
  });
  return (server.address() as AddressInfo).port;
}

async function ask(socket: TLSSocket, request: string): Promise<string> {
  socket.write(request);
  let answer = '';
  for await (const chunk of socket) answer += String(chunk);
  return answer;
}

const post = (path = '/backend-api/codex/responses', body = '{"input":[]}'): string =>
  `POST ${path} HTTP/1.1\r\nHost: chatgpt.com\r\nAuthorization: Bearer secret-of-the-test\r\nX-CaSeD: Yes\r\nContent-Length: ${body.length}\r\nConnection: close\r\n\r\n${body}`;

describe('an intercepted host', () => {
  it('gets the request as it was sent and its answer comes back as it was given, and both are told in order', async () => {
    const { standIn, tapes } = await set({ http2: false, scenario: [text('Hello', { chunks: ['He', 'llo'] })] });
    const socket = await tapes.connectTls('chatgpt.com', 443);
    const answer = await ask(socket, post());
    expect(answer).toMatch(/^HTTP\/1\.1 200 OK\r\n/);
    expect(answer).toContain('response.completed');
    const received = standIn.requests.find((request) => request.method === 'POST')!;
    expect(received.rawHeaders).toEqual([
      ['Host', 'chatgpt.com'],
      ['Authorization', 'Bearer secret-of-the-test'],
      ['X-CaSeD', 'Yes'],
      ['Content-Length', '12'],
      ['Connection', 'close'],
    ]);
    await tapes.waitFor('responseEnded');
    const types = tapes.events.map((event) => event.type).filter((type, at, all) => type !== all[at - 1]);
    expect(types).toEqual([
      'requestStarted',
      'requestData',
      'requestEnded',
      'responseStarted',
      'responseData',
      'responseEnded',
    ]);
    const [started] = await tapes.waitFor('requestStarted');
    expect(started!.request).toMatchObject({
      method: 'POST',
      scheme: 'https',
      host: 'chatgpt.com',
      port: 443,
      path: '/backend-api/codex/responses',
      httpVersion: '1.1',
    });
    const bytes = Buffer.concat((await tapes.waitFor('responseData')).map((event) => event.data)).toString();
    expect(bytes).toContain('"delta":"He"');
  });

  it.each([
    { offered: true, http2: true, chosen: 'h2' },
    { offered: true, http2: false, chosen: 'http/1.1' },
    { offered: false, http2: true, chosen: false },
  ])('speaks the HTTP version that the provider would have chosen: $chosen', async ({ offered, http2, chosen }) => {
    const { tapes } = await set({ http2 });
    const socket = await tapes.connectTls('chatgpt.com', 443, offered ? { ALPNProtocols: ['h2', 'http/1.1'] } : {});
    expect(socket.alpnProtocol).toBe(chosen);
    socket.destroy();
  });

  it('is reached over HTTP/2 where the agent took HTTP/2, with its headers in their order', async () => {
    const { standIn, tapes } = await set({ http2: true, scenario: [text('Hello')] });
    const socket = await tapes.connectTls('chatgpt.com', 443, { ALPNProtocols: ['h2'] });
    const session = connectHttp2('https://chatgpt.com', { createConnection: () => socket });
    const stream = session.request({
      ':method': 'POST',
      ':path': '/backend-api/codex/responses',
      'x-one': '1',
      authorization: 'Bearer x',
      'x-two': '2',
    });
    stream.end('{"input":[]}');
    let answer = '';
    for await (const chunk of stream) answer += String(chunk);
    session.destroy();
    expect(answer).toContain('response.completed');
    const received = standIn.requests.find((request) => request.method === 'POST')!;
    expect(received.httpVersion).toBe('2.0');
    const plain = received.rawHeaders.filter(([name]) => !name.startsWith(':'));
    expect(plain).toEqual([
      ['x-one', '1'],
      ['authorization', 'Bearer x'],
      ['x-two', '2'],
    ]);
  });

  it('gets headers of 200 kB, which Node by itself would refuse', async () => {
    const { standIn, tapes } = await set({ http2: false, scenario: [text('Hello')] });
    const socket = await tapes.connectTls('chatgpt.com', 443);
    const fields = Array.from({ length: 4 }, (_, at) => `X-Long-${at}: ${'x'.repeat(50_000)}\r\n`).join('');
    const answer = await ask(socket, post().replace('Connection: close\r\n', `${fields}Connection: close\r\n`));
    expect(answer).toMatch(/^HTTP\/1\.1 200 OK/);
    expect(standIn.requests[0]!.rawHeaders.filter(([name]) => name.startsWith('X-Long-'))).toHaveLength(4);
  });

  it('answers an upgrade of a Responses path with 426 itself, and tells so', async () => {
    const { standIn, tapes } = await set();
    const socket = await tapes.connectTls('chatgpt.com', 443);
    const upgrade =
      'GET /backend-api/codex/responses?x=1 HTTP/1.1\r\nHost: chatgpt.com\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\r\n';
    expect(await ask(socket, `${upgrade}what comes behind it goes nowhere`)).toBe(
      'HTTP/1.1 426 Upgrade Required\r\n\r\n',
    );
    const [refused] = await tapes.waitFor('upgradeRefused');
    expect(refused).toMatchObject({
      status: 426,
      request: { path: '/backend-api/codex/responses?x=1', host: 'chatgpt.com' },
    });
    expect(standIn.requests).toHaveLength(0);
  });

  it('has every other upgrade relayed', async () => {
    const { tapes } = await set();
    const socket = await tapes.connectTls('chatgpt.com', 443);
    const client = new WebSocket('wss://chatgpt.com/backend-api/realtime', { createConnection: () => socket });
    await once(client, 'open');
    client.send('ping over the relay');
    const [echo] = (await once(client, 'message')) as [Buffer];
    expect(echo.toString()).toBe('ping over the relay');
    client.close(1000);
    const [opened] = await tapes.waitFor('socketOpened');
    expect(opened!.request.path).toBe('/backend-api/realtime');
    const messages = await tapes.waitFor('socketMessage', 2);
    expect(messages.map(({ from }) => from)).toEqual(['agent', 'upstream']);
    await tapes.waitFor('socketClosed');
  });

  it('tells of an upgrade that the provider refuses as of any exchange', async () => {
    const { tapes } = await set({ http2: false, websocket: { status: 403 } });
    const socket = await tapes.connectTls('chatgpt.com', 443);
    const client = new WebSocket('wss://chatgpt.com/backend-api/codex/responses/compact', {
      createConnection: () => socket,
    });
    await once(client, 'error');
    const [started] = await tapes.waitFor('requestStarted');
    expect(started!.request).toMatchObject({
      method: 'GET',
      path: '/backend-api/codex/responses/compact',
      scheme: 'https',
    });
    const [answered] = await tapes.waitFor('responseStarted');
    expect(answered!.response.status).toBe(403);
    socket.destroy();
  });

  it('tells compressed messages inflated, and passes them as they are', async () => {
    const { standIn, tapes } = await set({ http2: false, permessageDeflate: true });
    const socket = await tapes.connectTls('chatgpt.com', 443);
    const client = new WebSocket('wss://chatgpt.com/backend-api/realtime', {
      createConnection: () => socket,
      perMessageDeflate: { threshold: 0 },
    });
    await once(client, 'open');
    const said = Array.from({ length: 20 }, (_, at) => `message ${at} ${'and so on '.repeat(at * 400)}`);
    for (const text of said) {
      client.send(text);
      await once(client, 'message');
    }
    client.terminate();
    await tapes.waitFor('socketClosed');
    const told = await tapes.waitFor('socketMessage', 40);
    expect(told.map(({ from, data }) => `${from} ${Buffer.from(data).toString()}`)).toEqual(
      said.flatMap((text) => [`agent ${text}`, `upstream ${text}`]),
    );
    expect(standIn.sockets[0]!.extensions).toContain('permessage-deflate');
  });

  it('named by the provider for this login is intercepted from then on', async () => {
    const { tapes } = await set({ http2: false, backendOrigin: 'https://eu.chatgpt.com', hosts: ['eu.chatgpt.com'] });
    const socket = await tapes.connectTls('chatgpt.com', 443);
    await ask(
      socket,
      'GET /backend-api/wham/accounts/check HTTP/1.1\r\nHost: chatgpt.com\r\nConnection: close\r\n\r\n',
    );
    await tapes.waitFor('responseEnded');
    await expect
      .poll(async () => {
        const next = await tapes.connectTls('eu.chatgpt.com', 443).catch(() => null);
        next?.destroy();
        return next !== null;
      })
      .toBe(true);
  });
});

describe('a failing upstream reaches the agent as a failed connection', () => {
  const failing = async (tapes: TestInterceptor): Promise<{ answer: string; code: string | null }> => {
    const socket = await tapes.connectTls('chatgpt.com', 443);
    let code: string | null = null;
    socket.on('error', (error: NodeJS.ErrnoException) => (code = error.code ?? 'error'));
    const answer = await ask(socket, post()).catch(() => '');
    return { answer, code };
  };

  it('when it refuses the connection: any proxy answers so, and nothing was sent', async () => {
    const { standIn, tapes } = await set();
    await standIn.close();
    await expect(tapes.connectTls('chatgpt.com', 443)).rejects.toThrow('HTTP/1.1 502 Bad Gateway');
    expect(tapes.events).toEqual([]);
  });

  it('when its certificate is not trusted: the agent sees it, and judges for itself', async () => {
    const { standIn, tapes } = await set({}, { trustStandIn: false });
    await expect(tapes.connectTls('chatgpt.com', 443)).rejects.toThrow('unable to verify the first certificate');
    const trusting = await tapes.connectTls('chatgpt.com', 443, { ca: readFileSync(standIn.caFile) });
    expect(trusting.authorized).toBe(true);
    trusting.destroy();
  });

  it('when it goes away between two connections', async () => {
    const { standIn, tapes } = await set({ http2: false });
    const socket = await tapes.connectTls('chatgpt.com', 443);
    await standIn.close();
    socket.write(post());
    await once(socket, 'error');
    const [aborted] = await tapes.waitFor('exchangeAborted');
    expect(aborted).toMatchObject({ by: 'upstream', error: { code: expect.stringMatching(/^(ECONN|EPIPE)/) } });
    await expect(tapes.connectTls('chatgpt.com', 443)).rejects.toThrow('HTTP/1.1 502 Bad Gateway');
  });

  it('when it resets before it answers', async () => {
    const { tapes } = await set({ http2: false, scenario: [reset] });
    const { answer, code } = await failing(tapes);
    expect({ answer, code }).toEqual({ answer: '', code: 'ECONNRESET' });
    const [aborted] = await tapes.waitFor('exchangeAborted');
    expect(aborted).toMatchObject({ by: 'upstream' });
  });

  it('and one that hangs up in the middle of an answer over HTTP/2 does not look as if it had ended it', async () => {
    const { tapes } = await set({ http2: true, scenario: [cutAfter(3)] });
    const socket = await tapes.connectTls('chatgpt.com', 443, { ALPNProtocols: ['h2'] });
    const session = connectHttp2('https://chatgpt.com', { createConnection: () => socket });
    const stream = session.request({ ':method': 'POST', ':path': '/backend-api/codex/responses' });
    stream.end('{"input":[]}');
    let answer = '';
    let isEnded = false;
    stream.on('data', (chunk) => (answer += String(chunk)));
    stream.on('end', () => (isEnded = true));
    for (const each of [session, stream]) each.on('error', () => undefined);
    // Node leaves a socket that somebody else has made half open.
    socket.once('end', () => socket.end());
    await new Promise((resolve) => stream.once('close', resolve));
    session.destroy();
    expect(answer).toContain('response.output_text.delta');
    expect(answer).not.toContain('response.completed');
    expect({ isEnded, rstCode: stream.rstCode }).not.toEqual({ isEnded: true, rstCode: 0 });
  });

  it('when it never answers: the agent waits as long as it wants to, and nothing is invented', async () => {
    const { tapes } = await set({ http2: false, scenario: [silent] });
    const socket = await tapes.connectTls('chatgpt.com', 443);
    let answer = '';
    socket.on('data', (chunk) => (answer += String(chunk)));
    socket.write(post());
    await tapes.waitFor('requestEnded');
    await expect(once(socket, 'close', { signal: AbortSignal.timeout(1_000) })).rejects.toThrow(/abort|time/i);
    socket.destroy();
    const [aborted] = await tapes.waitFor('exchangeAborted');
    expect({ answer, aborted }).toMatchObject({ answer: '', aborted: { by: 'agent', error: null } });
  });

  it('but an error that the provider answers is passed on as it is', async () => {
    const { tapes } = await set({ http2: false, scenario: [httpError(503, { error: { message: 'overloaded' } })] });
    const { answer } = await failing(tapes);
    expect(answer).toMatch(/^HTTP\/1\.1 503 /);
    expect(answer).toContain('overloaded');
  });
});

describe('an agent that hangs up as soon as it has read the last event', () => {
  it('has all bytes told before its abort', async () => {
    const { tapes } = await set({ http2: false, scenario: [text('Hello', { holdOpenMs: 2_000 })] });
    const socket = await tapes.connectTls('chatgpt.com', 443);
    socket.write(post());
    let answer = '';
    for await (const chunk of socket) {
      answer += String(chunk);
      if (/event: response\.completed\ndata: .*\n\n/.test(answer)) break;
    }
    socket.destroy();
    await tapes.waitFor('exchangeAborted');
    const told = tapes.events.map((event) => event.type);
    expect(told.lastIndexOf('responseData')).toBeLessThan(told.indexOf('exchangeAborted'));
    const bytes = Buffer.concat((await tapes.waitFor('responseData')).map(({ data }) => data)).toString();
    expect(bytes).toMatch(/event: response\.completed\ndata: .*\n\n$/);
  });
});

describe('every chunk is told as it passed', () => {
  it('with a time of its own, however close the next one follows', async () => {
    const words = Array.from({ length: 12 }, (_, at) => `word ${at}`);
    const { standIn, tapes } = await set({ http2: false, scenario: [text('', { chunks: words, delayMs: 4 })] });
    const socket = await tapes.connectTls('chatgpt.com', 443);
    await ask(socket, post());
    await tapes.waitFor('responseEnded');
    const told = await tapes.waitFor('responseData');
    const sent = standIn.calls[0]!.sentChunks;
    expect(told.map(({ data }) => Buffer.from(data).toString())).toEqual(sent.map((chunk) => chunk.toString()));
    const times = told.map(({ mono }) => mono);
    expect(times.toSorted((a, b) => a - b)).toEqual(times);
    expect(new Set(times).size).toBe(times.length);
  });

  it.each([{ http2: false }, { http2: true }])(
    'and nothing of a large request is missing or kept together (http2: $http2)',
    async ({ http2 }) => {
      const { standIn, tapes } = await set({ http2, scenario: [text('Read.')] });
      const ALPNProtocols = [http2 ? 'h2' : 'http/1.1'];
      const socket = await tapes.connectTls('chatgpt.com', 443, { ALPNProtocols });
      const body = Buffer.from(`{"input":[],"filler":"${'0123456789abcdef'.repeat(500_000)}"}`);
      if (http2) {
        const session = connectHttp2('https://chatgpt.com', { createConnection: () => socket });
        const stream = session.request({ ':method': 'POST', ':path': '/backend-api/codex/responses' });
        stream.end(body);
        for await (const _ of stream);
        session.destroy();
      } else {
        const head = post('/backend-api/codex/responses', '').replace('Length: 0', `Length: ${body.length}`);
        socket.write(head);
        await ask(socket, body.toString());
      }
      const received = standIn.requests.find(({ method }) => method === 'POST')!;
      expect(received.bodyBytes?.equals(body)).toBe(true);
      await tapes.waitFor('responseEnded');
      const told = (await tapes.waitFor('requestData')).map(({ data }) => data);
      expect(Buffer.concat(told).equals(body)).toBe(true);
      expect(Math.max(...told.map(({ length }) => length))).toBeLessThanOrEqual(64 * 1024);
    },
  );
});

describe('the engine', () => {
  it('tells when the agent hung up, and has nothing to say of it', async () => {
    const { tapes } = await set({ http2: false });
    const socket = await tapes.connectTls('chatgpt.com', 443);
    socket.write('POST /backend-api/codex/responses HTTP/1.1\r\nHost: chatgpt.com\r\nContent-Length: 100\r\n\r\nhalf');
    await tapes.waitFor('requestStarted');
    socket.destroy();
    const [aborted] = await tapes.waitFor('exchangeAborted');
    expect(aborted).toMatchObject({ by: 'agent', error: null });
    expect(tapes.engineLines).toEqual([]);
  });

  it('shows a certificate of ours for the host, on P-256', async () => {
    const { tapes } = await set();
    const socket = await tapes.connectTls('chatgpt.com', 443);
    const certificate = new X509Certificate(socket.getPeerCertificate().raw);
    socket.destroy();
    expect(certificate.subjectAltName).toBe('DNS:chatgpt.com');
    expect(certificate.publicKey.asymmetricKeyDetails).toEqual({ namedCurve: 'prime256v1' });
    expect(certificate.keyUsage).toEqual(['1.3.6.1.5.5.7.3.1']);
    expect(certificate.checkIssued(new X509Certificate(readFileSync(tapes.caFile)))).toBe(true);
  });

  it.each([
    ['a request', 'GET / HTTP/1.1\r\nHost: chatgpt.com\r\n\r\n'],
    ['an upgrade', 'GET / HTTP/1.1\r\nHost: chatgpt.com\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n'],
    ['HTTP/2', 'PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0\0\x04\0\0\0\0\0'],
    ['noise', 'no protocol at all\r\n\r\n'],
  ])('breaks off what is said without TLS, and answers it nothing: %s', async (_what, said) => {
    const { standIn, tapes } = await set();
    const socket = await tapes.connect('chatgpt.com', 443);
    socket.on('error', () => undefined).on('end', () => socket.end());
    let answer = '';
    socket.on('data', (data: Buffer) => (answer += data.toString('latin1')));
    socket.resume().write(said, 'latin1');
    await once(socket, 'close', { signal: AbortSignal.timeout(10_000) });
    expect(answer).not.toMatch(/HTTP\/1|html/i);
    expect(standIn.requests).toEqual([]);
    expect(tapes.events.some((event) => event.type === 'requestStarted')).toBe(false);
  });

  it('listens nowhere', async () => {
    const { tapes } = await set();
    const listing = await run(
      'sh',
      ['-c', `cat /proc/${process.pid}/net/tcp /proc/${process.pid}/net/tcp6 | awk '$4=="0A"{print $2}'`],
      { env: { PATH: process.env['PATH'] ?? '' }, timeoutMs: 5_000 },
    );
    const own = tapes.port.toString(16).toUpperCase().padStart(4, '0');
    const addresses = listing.stdout.split('\n').filter((line) => line.endsWith(`:${own}`));
    expect(addresses).toEqual([`0100007F:${own}`]);
    const open = process.getActiveResourcesInfo().filter((name) => name === 'TCPServerWrap');
    // The stand-in's listener and the door.
    expect(open).toHaveLength(2);
  });
});

describe('any other host', () => {
  it('is tunnelled: the client sees that host’s own certificate', async () => {
    const { standIn, tapes } = await set({ hosts: ['git.example.test'] });
    const socket = await tapes.connectTls('git.example.test', 443, { ca: readFileSync(standIn.caFile) });
    expect(socket.getPeerCertificate().issuer.CN).toContain('TEST-ONLY');
    socket.destroy();
    await tapes.waitFor('tunnelClosed');
    expect(tapes.events.some((event) => event.type === 'requestStarted')).toBe(false);
  });

  it('may speak anything, speak first, and end one half before the other', async () => {
    const port = await listenTcp((socket) => {
      socket.write('SSH-2.0-test\r\n');
      let asked = '';
      socket.on('data', (chunk) => (asked += String(chunk)));
      socket.on('end', () => socket.end(`got ${asked.length}`));
    });
    const { tapes } = await set();
    const socket = await tapes.connect('127.0.0.1', port);
    socket.write('x'.repeat(1_000_000));
    socket.end();
    let answer = '';
    for await (const chunk of socket) answer += String(chunk);
    expect(answer).toBe('SSH-2.0-test\r\ngot 1000000');
    const [closed] = await tapes.waitFor('tunnelClosed');
    expect(closed).toMatchObject({ host: '127.0.0.1', port, sentBytes: 1_000_000 });
  });

  it('that cannot be reached is a 502, as from any proxy', async () => {
    const { tapes } = await set();
    const port = await listenTcp(() => undefined);
    closing.pop()!();
    await expect(tapes.connect('127.0.0.1', port)).rejects.toThrow('HTTP/1.1 502 Bad Gateway');
  });

  it('is reached by the real curl through the door, and curl names the right issuer', async () => {
    const { standIn, tapes } = await set({ hosts: ['git.example.test'] });
    const curl = await run('curl', ['-sv', '--cacert', standIn.caFile, 'https://git.example.test/'], {
      env: { PATH: process.env['PATH'] ?? '', HTTPS_PROXY: tapes.proxyUrl },
      timeoutMs: 15_000,
    });
    expect(curl.stderr).toMatch(/issuer: .*TEST-ONLY/);
    expect(curl.exitCode).toBe(0);
  });
});

describe('the door', () => {
  it.each([null, 'Basic d3Jvbmc6d3Jvbmc=', 'Bearer x'])('lets nobody in with %j', async (authorization) => {
    const { standIn, tapes } = await set();
    await expect(tapes.connect('chatgpt.com', 443, { authorization })).rejects.toThrow('HTTP/1.1 407');
    await expect(tapes.connect('git.example.test', 443, { authorization })).rejects.toThrow('HTTP/1.1 407');
    expect(standIn.requests).toHaveLength(0);
  });

  describe.each([{ letsAllIn: false }, { letsAllIn: true }])('with everybody let in: $letsAllIn', ({ letsAllIn }) => {
    it.each([
      ['GET', '/'],
      ['POST', '/backend-api/codex/responses'],
      ['OPTIONS', '/'],
      ['GET', 'http://chatgpt.com/'],
      ['POST', 'https://chatgpt.com/backend-api/codex/responses'],
      ['DELETE', '*'],
    ])('refuses a web page that was led to its port: %s %s', async (method, path) => {
      const { standIn, tapes } = await set({}, letsAllIn ? { password: null } : {});
      const headers = { host: 'rebound.example', origin: 'https://rebound.example' };
      const page = requestHttp({ host: '127.0.0.1', port: tapes.port, method, path, headers });
      page.end();
      const [answer] = (await once(page, 'response')) as [IncomingMessage];
      expect(answer.statusCode).toBe(405);
      expect(answer.headers['access-control-allow-origin']).toBeUndefined();
      answer.resume();
      expect(standIn.requests).toHaveLength(0);
    });
  });

  it('answers noise at once and hangs up', async () => {
    const { tapes } = await set();
    const socket = connectTcp(tapes.port, '127.0.0.1');
    socket.write(Buffer.from([0x16, 0x03, 0x01, 0x00]));
    let answer = '';
    for await (const chunk of socket) answer += String(chunk);
    expect(answer).toMatch(/^HTTP\/1\.1 400 /);
  });
});
