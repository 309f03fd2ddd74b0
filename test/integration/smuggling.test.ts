// Requests that two readers could cut differently. They pass as they were sent, on a connection that is this agent's alone, so that nothing can get into
// another's; and nothing is told of them that the provider may see otherwise: the reader says that it has lost the thread.
import { once } from 'node:events';
import { createServer, type AddressInfo, type Socket } from 'node:net';
import { TLSSocket, createSecureContext } from 'node:tls';
import { afterEach, expect, it } from 'vitest';
import { makeLeaf, readTestRoot } from '../support/certificates.ts';
import { startStandIn } from '../support/chatgpt/index.ts';
import { startInterceptor } from '../support/interceptor.ts';
import { parseResolve } from '../../src/proxy/index.ts';

const closing: (() => unknown)[] = [];
afterEach(async () => {
  for (const close of closing.splice(0).reverse()) await close();
});

/** An upstream that keeps every byte and answers once it has read a head. */
async function startRawUpstream(): Promise<{ port: number; received: () => string; connections: () => number }> {
  let received = '';
  const context = createSecureContext(makeLeaf(readTestRoot(), ['chatgpt.com']));
  const sockets = new Set<Socket>();
  const server = createServer((socket) => {
    sockets.add(socket);
    const secure = new TLSSocket(socket, { isServer: true, secureContext: context, ALPNProtocols: ['http/1.1'] });
    secure.on('error', () => undefined);
    secure.on('data', (chunk: Buffer) => {
      received += chunk.toString('latin1');
      if (received.includes('\r\n\r\n')) secure.write('HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok');
    });
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  closing.push(() => {
    for (const socket of sockets) socket.destroy();
    server.close();
  });
  return { port: (server.address() as AddressInfo).port, received: () => received, connections: () => sockets.size };
}

const smuggled = 'GET /smuggled HTTP/1.1\r\nHost: chatgpt.com\r\n\r\n';
const post = (fields: string, body: string): string =>
  `POST /backend-api/codex/responses HTTP/1.1\r\nHost: chatgpt.com\r\n${fields}\r\n\r\n${body}`;

it.each([
  ['a length beside chunks', post('Content-Length: 4\r\nTransfer-Encoding: chunked', `0\r\n\r\n${smuggled}`)],
  ['chunks beside a length', post(`Transfer-Encoding: chunked\r\nContent-Length: ${smuggled.length + 5}`, `0\r\n\r\n${smuggled}`)], // prettier-ignore
  ['two lengths', post(`Content-Length: 0\r\nContent-Length: ${smuggled.length}`, smuggled)],
  ['two lengths in one field', post(`Content-Length: 0, ${smuggled.length}`, smuggled)],
  ['a length with a sign', post(`Content-Length: +${smuggled.length}`, smuggled)],
  ['a length with a space in it', post('Content-Length: 1 0', smuggled)],
  ['chunks under another name', post('Transfer-Encoding: xchunked', `0\r\n\r\n${smuggled}`)],
  ['chunks twice', post('Transfer-Encoding: chunked, chunked', `0\r\n\r\n${smuggled}`)],
  ['chunks behind a tab', post('Transfer-Encoding:\tchunked\r\nContent-Length: 4', `0\r\n\r\n${smuggled}`)],
  ['a space before the colon', post('Transfer-Encoding : chunked\r\nContent-Length: 4', `0\r\n\r\n${smuggled}`)],
  ['a folded field', post('Content-Length: 0\r\nX-A: b\r\n Transfer-Encoding: chunked', smuggled)],
  ['a bare line feed', post('X-A: b\nTransfer-Encoding: chunked\r\nContent-Length: 0', smuggled)],
  ['a bare carriage return', post('X-A: b\rTransfer-Encoding: chunked\r\nContent-Length: 0', smuggled)],
  ['a NUL in a field', post('X-A: b\0c\r\nContent-Length: 0', '')],
  ['a chunk size that is none', post('Transfer-Encoding: chunked', `0x5\r\nhello\r\n0\r\n\r\n${smuggled}`)],
  ['a chunk size beyond all numbers', post('Transfer-Encoding: chunked', `${'f'.repeat(17)}\r\n${smuggled}`)],
])('%s', async (_name, request) => {
  const upstream = await startRawUpstream();
  const standIn = await startStandIn();
  closing.push(() => standIn.close());
  const resolve = [parseResolve(`chatgpt.com:443:127.0.0.1:${upstream.port}`)];
  const tapes = await startInterceptor({ standIn, routes: { resolve } });
  closing.push(() => tapes.close());
  const socket = await tapes.connectTls('chatgpt.com', 443, { ALPNProtocols: ['http/1.1'] });
  socket.on('error', () => undefined);
  socket.end(request, 'latin1');
  socket.resume();
  await new Promise((done) => socket.once('close', done));

  expect(upstream.received()).toBe(request);
  expect(upstream.connections()).toBe(1);
  const told = tapes.events.flatMap((event) => (event.type === 'requestStarted' ? [event.request.path] : []));
  expect(told).toEqual(['/backend-api/codex/responses']);
  const [lost] = await tapes.waitFor('exchangeAborted');
  expect(lost).toMatchObject({ by: 'tapes', error: { code: 'E_NOT_HTTP' } });
  expect(tapes.events.some(({ type }) => type === 'requestEnded')).toBe(false);
});
