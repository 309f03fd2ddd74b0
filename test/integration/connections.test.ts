// What is told of the connections of both sides: when they open, between which ends, and who ends them how.
import { once } from 'node:events';
import type { Socket } from 'node:net';
import { afterEach, describe, expect, it } from 'vitest';
import { WebSocket } from 'ws';

import type { ConnectionEnd, ConnectionStart } from '../../src/domain/index.ts';
import { reset, startStandIn, text } from '../support/chatgpt/index.ts';
import { startConnectRelay } from '../support/connect-relay.ts';
import { startInterceptor, type TestInterceptor, type TestInterceptorOptions } from '../support/interceptor.ts';

const closing: (() => unknown)[] = [];
afterEach(async () => {
  for (const close of closing.splice(0).reverse()) await close();
});

async function set(options: Partial<TestInterceptorOptions> = {}, http2 = false): Promise<TestInterceptor> {
  const standIn = await startStandIn({ http2, scenario: () => text('Hello') });
  closing.push(() => standIn.close());
  const tapes = await startInterceptor({ standIn, tellsUpstream: true, ...options });
  closing.push(() => tapes.close());
  return tapes;
}

const get = (extra = ''): string => `GET /backend-api/nothing HTTP/1.1\r\nHost: chatgpt.com\r\n${extra}\r\n`;

/** The connection of a side, once it is over. */
async function ended(
  tapes: TestInterceptor,
  leg: 'agent' | 'provider',
): Promise<{ start: ConnectionStart; end: ConnectionEnd }> {
  const find = (): ConnectionEnd | undefined =>
    tapes.connections
      .filter(({ type }) => type === 'connectionEnded')
      .find((event) => event.leg === leg) as ConnectionEnd;
  await expect.poll(find, { timeout: 5_000 }).toBeDefined();
  const end = find()!;
  const start = tapes.connections.find(
    (event) => event.type === 'connectionOpened' && event.leg === leg && event.client.port === end.client.port,
  ) as ConnectionStart;
  return { start, end };
}

describe("an agent's connection", () => {
  const endings: [
    name: string,
    how: (socket: Socket & { _parent?: Socket }) => void,
    expected: Partial<ConnectionEnd>,
  ][] = [
    ['is ended by the agent', (socket) => socket.end(), { by: 'client', isReset: false }],
    ['is reset by the agent', (socket) => socket._parent?.resetAndDestroy(), { by: 'client', isReset: true }],
  ];
  it.each(endings)('%s, and the one to the provider with it', async (_, end, expected) => {
    const tapes = await set();
    const before = performance.now();
    const socket = await tapes.connectTls('chatgpt.com', 443, { ALPNProtocols: ['http/1.1'] });
    socket.on('error', () => undefined);
    const own = socket.localPort;
    socket.write(get());
    await tapes.waitFor('responseEnded');
    end(socket);
    const agent = await ended(tapes, 'agent');
    expect(agent.start).toMatchObject({ host: 'chatgpt.com', port: 443, client: { address: '127.0.0.1' } });
    expect(agent.start.server).toEqual({ address: '127.0.0.1', port: tapes.port });
    if (own !== undefined) expect(agent.start.client.port).toBe(own);
    expect(agent.end).toMatchObject(expected);
    const [asked] = await tapes.waitFor('requestStarted');
    expect(agent.start.mono).toBeGreaterThanOrEqual(before);
    expect(agent.start.mono).toBeLessThan(asked!.mono);
    expect(agent.end.mono).toBeGreaterThan(asked!.mono);
    expect(agent.start.client.port).toBe(asked!.request.client!.port);
    const provider = await ended(tapes, 'provider');
    // As the agent ended it.
    expect(provider.end).toMatchObject(expected);
    const [answered] = await tapes.waitFor('responseStarted');
    expect(answered!.upstream).toMatchObject({ local: provider.start.client, remote: provider.start.server });
    // What passes byte for byte is there when it is here, but for what waited for the connection.
    const [requestAt, responseAt] = [
      answered!.upstream!.requestAt ?? asked!,
      answered!.upstream!.responseAt ?? answered!,
    ];
    expect(requestAt.mono).toBeGreaterThan(provider.start.mono);
    expect(responseAt.mono).toBeGreaterThan(requestAt.mono);
    expect(responseAt.mono).toBeLessThanOrEqual(answered!.mono);
  });

  it('is ended by the server, where that closes after its answer', async () => {
    const tapes = await set();
    const socket = await tapes.connectTls('chatgpt.com', 443, { ALPNProtocols: ['http/1.1'] });
    socket.resume();
    socket.write(get('Connection: close\r\n'));
    await once(socket, 'end');
    socket.end();
    expect((await ended(tapes, 'agent')).end).toMatchObject({ by: 'server', isReset: false });
    expect((await ended(tapes, 'provider')).end).toMatchObject({ by: 'server', isReset: false });
  });

  it('is told of where nothing was ever asked over it', async () => {
    const tapes = await set();
    (await tapes.connectTls('chatgpt.com', 443)).destroy();
    expect((await ended(tapes, 'agent')).start.host).toBe('chatgpt.com');
    expect(tapes.events.filter(({ type }) => type === 'requestStarted')).toEqual([]);
  });
});

describe("the provider's connection", () => {
  it.each([false, true])(
    'through a proxy has the ends of the socket that is really there (HTTP/2: %s)',
    async (http2) => {
      const standIn = await startStandIn({ http2, scenario: () => text('Hello') });
      closing.push(() => standIn.close());
      const relay = await startConnectRelay(standIn.port);
      closing.push(() => relay.close());
      const { port } = new URL(relay.url);
      const proxy = { scheme: 'http', host: '127.0.0.1', port: Number(port), authorization: null } as const;
      const tapes = await startInterceptor({ standIn, tellsUpstream: true, routes: { resolve: [], proxy } });
      closing.push(() => tapes.close());
      const socket = await tapes.connectTls('chatgpt.com', 443, { ALPNProtocols: ['http/1.1'] });
      socket.on('error', () => undefined).resume();
      socket.write(get());
      const [answered] = await tapes.waitFor('responseStarted');
      expect(answered!.upstream!.remote).toEqual({ address: '127.0.0.1', port: Number(port) });
      expect(answered!.upstream!.local).toMatchObject({ address: '127.0.0.1' });
      const opened = tapes.connections.filter(({ type, leg }) => type === 'connectionOpened' && leg === 'provider');
      expect(opened.map(({ client }) => client)).toContainEqual(answered!.upstream!.local);
      socket.destroy();
    },
  );

  it('that was made to learn the HTTP version, and is of no use, does not stay behind', async () => {
    const standIn = await startStandIn({ http2: true, scenario: () => reset });
    closing.push(() => standIn.close());
    const tapes = await startInterceptor({ standIn, tellsUpstream: true });
    closing.push(() => tapes.close());
    // The provider would speak HTTP/2 and the agent does not; what is reset makes the next connection learn anew.
    for (let round = 1; round <= 4; round += 1) {
      const socket = await tapes.connectTls('chatgpt.com', 443, { ALPNProtocols: ['http/1.1'] });
      socket.on('error', () => undefined).resume();
      socket.write(
        'POST /backend-api/codex/responses HTTP/1.1\r\nHost: chatgpt.com\r\nContent-Length: 12\r\n\r\n{"input":[]}',
      );
      await tapes.waitFor('exchangeAborted', round);
    }
    const openOnes = (): number => {
      const ports = new Map<number, number>();
      for (const { type, leg, client } of tapes.connections) {
        if (leg === 'provider') ports.set(client.port, type === 'connectionOpened' ? 1 : 0);
      }
      return [...ports.values()].reduce((sum, isOpen) => sum + isOpen, 0);
    };
    // The last one waits for its time to be over.
    await expect.poll(openOnes, { timeout: 3_000 }).toBeLessThanOrEqual(1);
  });

  it('is told with how long it took to make, and to look its name up where that is ours to do', async () => {
    const standIn = await startStandIn({ http2: false, scenario: () => text('Hello') });
    closing.push(() => standIn.close());
    const byName = { host: 'chatgpt.com', port: 443, toAddress: 'localhost', toPort: standIn.port };
    const tapes = await startInterceptor({ standIn, tellsUpstream: true, routes: { resolve: [byName] } });
    closing.push(() => tapes.close());
    const before = performance.now();
    const socket = await tapes.connectTls('chatgpt.com', 443, { ALPNProtocols: ['http/1.1'] });
    socket.on('error', () => undefined).resume();
    socket.write(get());
    await tapes.waitFor('responseEnded');
    socket.write(get());
    const [first, second] = await tapes.waitFor('responseStarted', 2);
    const { began, dnsMs, connectMs, sslMs } = first!.upstream!.phases!;
    expect(began.mono).toBeGreaterThanOrEqual(before);
    expect(dnsMs).toBeGreaterThan(0);
    expect(sslMs).toBeGreaterThan(0);
    expect(connectMs).toBeGreaterThan(sslMs);
    expect(began.mono + dnsMs! + connectMs).toBeLessThanOrEqual(first!.mono);
    // Of the connection, whichever request it was made for.
    expect(second!.upstream!.phases).toEqual(first!.upstream!.phases);
    socket.destroy();
  });

  it('of a WebSocket is known, with the heads as they passed there', async () => {
    const tapes = await set();
    const socket = await tapes.connectTls('chatgpt.com', 443, { ALPNProtocols: ['http/1.1'] });
    const client = new WebSocket('wss://chatgpt.com/backend-api/realtime', { createConnection: () => socket });
    await once(client, 'open');
    const [opened] = await tapes.waitFor('socketOpened');
    const { local, remote, requestHeaders, response } = opened!.upstream!;
    const there = tapes.connections.find(
      (event) => event.type === 'connectionOpened' && event.leg === 'provider' && event.client.port === local!.port,
    );
    expect(there).toMatchObject({ client: local, server: remote, host: 'chatgpt.com' });
    expect(requestHeaders!.map(([name]) => name.toLowerCase())).toContain('sec-websocket-key');
    expect(response).toMatchObject({ status: 101, reason: 'Switching Protocols' });
    expect(response!.headers.map(([name]) => name.toLowerCase())).toContain('sec-websocket-accept');
    client.terminate();
    await ended(tapes, 'provider');
  });
});
