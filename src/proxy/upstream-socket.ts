// Opens connections to the upstream side: straight, or through the user's own proxy.
import { connect, type Socket } from 'node:net';
import { Duplex } from 'node:stream';

import { connected, openThroughProxy } from './through-proxy.ts';
import { findRoute, type UpstreamRoutes } from './upstream-route.ts';

export interface Upstream {
  readonly routes: UpstreamRoutes;
  /** PEM certificates trusted besides Node's own: of providers, and of a proxy over HTTPS. */
  readonly extraRoots: readonly string[];
}

/** A connection to `host:port`, connected. Rejects as a direct connection would (ECONNREFUSED …), or with what the proxy said. `onResolved`:
 * the host's name was looked up here. */
export async function openUpstream(
  { routes, extraRoots }: Upstream,
  host: string,
  port: number,
  onResolved: () => void = () => undefined,
): Promise<Socket> {
  const route = findRoute(routes, host, port);
  if (route.type === 'direct') {
    const socket = connect({ host: route.address, port: route.port, noDelay: true, allowHalfOpen: true });
    socket.once('lookup', onResolved);
    return connected(socket, 'connect');
  }
  return openThroughProxy(route.proxy, host, port, extraRoots);
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
