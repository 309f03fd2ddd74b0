// Opens TCP connections to the upstream side: straight, or through the user's own proxy (CONNECT).
import { connect, type Socket } from 'node:net';
import { Duplex } from 'node:stream';
import { connect as connectTls } from 'node:tls';

import { formatAuthority } from './connect-request.ts';
import { findRoute, type UpstreamProxy, type UpstreamRoutes } from './upstream-route.ts';

/** A connection to `host:port`, connected. Rejects as a direct connection would (ECONNREFUSED …), or with what the proxy said. */
export async function openUpstream(routes: UpstreamRoutes, host: string, port: number): Promise<Socket> {
  const route = findRoute(routes, host, port);
  if (route.type === 'direct') {
    return connected(connect({ host: route.address, port: route.port, noDelay: true, allowHalfOpen: true }), 'connect');
  }
  return openThroughProxy(route.proxy, host, port);
}

async function openThroughProxy(proxy: UpstreamProxy, host: string, port: number): Promise<Socket> {
  const socket =
    proxy.scheme === 'http'
      ? await connected(connect({ host: proxy.host, port: proxy.port, noDelay: true, allowHalfOpen: true }), 'connect')
      : await connected(connectTls({ host: proxy.host, port: proxy.port, servername: proxy.host }), 'secureConnect');
  const authority = formatAuthority(host, port);
  const authorization = proxy.authorization === null ? '' : `Proxy-Authorization: ${proxy.authorization}\r\n`;
  socket.write(`CONNECT ${authority} HTTP/1.1\r\nHost: ${authority}\r\n${authorization}\r\n`);
  try {
    const status = await readConnectAnswer(socket);
    if (status < 200 || status > 299) {
      throw Object.assign(
        new Error(`the upstream proxy ${proxy.host}:${proxy.port} answered ${status} for ${authority}`),
        {
          code: 'E_UPSTREAM_PROXY',
        },
      );
    }
    return socket;
  } catch (error) {
    socket.destroy();
    throw error;
  }
}

function connected<S extends Socket>(socket: S, event: 'connect' | 'secureConnect'): Promise<S> {
  return new Promise((resolve, reject) => {
    socket.once('error', reject);
    socket.once(event, () => {
      socket.off('error', reject);
      resolve(socket);
    });
  });
}

const maxAnswerBytes = 64 * 1024;

/** The status of a proxy's answer to CONNECT; bytes behind its head are put back. */
function readConnectAnswer(socket: Socket): Promise<number> {
  return new Promise((resolve, reject) => {
    let head = Buffer.alloc(0);
    const stop = (): void => {
      socket.off('readable', onReadable);
      socket.off('error', onError);
      socket.off('end', onEnd);
    };
    const fail = (message: string): void => {
      stop();
      reject(Object.assign(new Error(message), { code: 'E_UPSTREAM_PROXY' }));
    };
    const onError = (error: Error): void => {
      stop();
      reject(error);
    };
    const onEnd = (): void => fail('the upstream proxy hung up before it answered CONNECT');
    const onReadable = (): void => {
      for (let chunk: Buffer | null; (chunk = socket.read() as Buffer | null) !== null;) {
        head = Buffer.concat([head, chunk]);
        const end = head.indexOf('\r\n\r\n');
        if (end === -1 && head.length > maxAnswerBytes)
          return fail('the upstream proxy sent an endless answer to CONNECT');
        if (end === -1) continue;
        const status = /^HTTP\/1\.[01] (\d{3})/.exec(head.toString('latin1', 0, end));
        if (status === null) return fail('the upstream proxy did not answer CONNECT with HTTP');
        stop();
        if (head.length > end + 4) socket.unshift(head.subarray(end + 4));
        return resolve(Number(status[1]));
      }
    };
    socket.on('readable', onReadable);
    socket.on('error', onError);
    socket.on('end', onEnd);
  });
}

/**
 * A stream that can be used before its connection exists, for callers that must have one at once (`tls.connect`):
 * writes wait for the connection, and its failure becomes an 'error' here.
 */
export function deferSocket(opening: Promise<Socket>): Duplex {
  let socket: Socket | null = null;
  const duplex = new Duplex({
    allowHalfOpen: true,
    read() {
      socket?.resume();
    },
    write(chunk: Buffer, _encoding, done) {
      void ready.then(
        () => socket!.write(chunk, done),
        () => undefined,
      );
    },
    final(done) {
      void ready.then(
        () => socket!.end(done),
        () => undefined,
      );
    },
    destroy(error, done) {
      void opening.then(
        (open) => open.destroy(),
        () => undefined,
      );
      done(error);
    },
  });
  const ready = opening.then((open) => {
    socket = open;
    open.on('data', (chunk: Buffer) => {
      if (!duplex.push(chunk)) open.pause();
    });
    open.on('end', () => duplex.push(null));
    open.on('error', (error) => duplex.destroy(error));
    open.on('close', () => duplex.destroy());
  });
  ready.catch((error: Error) => duplex.destroy(error));
  return duplex;
}
