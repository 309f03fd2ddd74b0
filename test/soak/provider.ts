// The provider of the soak: HTTP/1.1, HTTP/2 and WebSockets on one TLS port, answers as asked for; beside it a plain TCP port that echoes,
// for tunnels.
import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { createServer, type AddressInfo, type Socket } from 'node:net';
import { WebSocketServer } from 'ws';

import { listenTls } from '../../src/provider/index.ts';
import { makeLeaf, readTestRoot, testRootFile } from '../support/certificates.ts';
import { answerTo, askHeader, interceptedHost, readAsk, type Ask } from './ask.ts';
import type { Ledger } from './ledger.ts';

export interface SoakProvider {
  readonly echoPort: number;
  /** Of `tapes`: what leads to it. */
  readonly routeArgs: readonly string[];
  close(): Promise<void>;
}

type Handlers = Parameters<typeof listenTls>[1];
type Reply = Parameters<Handlers['onRequest']>[1];
type Connection = Parameters<Handlers['onRequest']>[2];

const ignore = (): undefined => undefined;
export const idOf = (path: string | undefined): string => /[?&]soak=(\w+)/.exec(path ?? '')?.[1] ?? '';

export async function startSoakProvider(ledger: Ledger): Promise<SoakProvider> {
  const sockets = new WebSocketServer({ noServer: true, maxPayload: 64 * 1024 * 1024 });
  const leaf = makeLeaf(readTestRoot(), [interceptedHost]);
  const listener = await listenTls(
    { http2: true, port: 0, leaf, leafFor: () => leaf },
    {
      onRequest(message, reply, connection) {
        const hash = createHash('sha256');
        message.on('error', ignore);
        message.on('data', (chunk: Buffer) => hash.update(chunk));
        message.once('end', () => {
          ledger.received(idOf(message.url), hash.digest('hex'));
          void answer(reply, connection, readAsk(message.headers[askHeader]));
        });
      },
      onUpgrade(message, socket, head) {
        socket.on('error', ignore);
        sockets.handleUpgrade(message, socket, head, (client) => {
          client.on('error', ignore);
          client.on('message', (data, isBinary) => client.send(data, { binary: isBinary }));
        });
      },
      onTlsError: ignore,
    },
  );
  const open = new Set<Socket>();
  const echo = createServer({ allowHalfOpen: true, noDelay: true }, (socket) => {
    open.add(socket);
    socket.once('close', () => open.delete(socket));
    socket.on('error', ignore);
    socket.pipe(socket);
  });
  echo.listen(0, '127.0.0.1');
  await once(echo, 'listening');
  return {
    echoPort: (echo.address() as AddressInfo).port,
    routeArgs: ['--resolve', `${interceptedHost}:443:127.0.0.1:${listener.port}`, '--upstream-ca', testRootFile],
    async close() {
      for (const socket of open) socket.destroy();
      echo.close();
      for (const client of sockets.clients) client.terminate();
      await listener.close();
    },
  };
}

async function answer(reply: Reply, connection: Connection, ask: Ask): Promise<void> {
  let isLeft = false;
  let wake = (): void => undefined;
  reply.once('close', () => {
    isLeft = true;
    wake();
  });
  const write = (bytes: Uint8Array): Promise<void> =>
    new Promise((resolve) => {
      wake = resolve;
      reply.write(bytes, () => resolve());
    });
  if (ask.type === 'events' && ask.cutAfter === 0)
    return ask.resets === true ? connection.reset() : connection.destroy();
  reply.appendHeader('content-type', ask.type === 'events' ? 'text/event-stream' : 'application/octet-stream');
  if (ask.type === 'bytes') reply.appendHeader('content-length', String(ask.bytes));
  reply.writeHead(200);
  for (const [at, chunk] of answerTo(ask).entries()) {
    if (isLeft) return;
    if (ask.type === 'events') {
      if (at === ask.cutAfter) return ask.resets === true ? connection.reset() : connection.destroy();
      await new Promise((resolve) => setTimeout(resolve, ask.everyMs));
    }
    if (!isLeft) await write(chunk);
  }
  if (!isLeft) reply.end();
}
