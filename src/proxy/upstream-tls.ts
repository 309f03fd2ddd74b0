// TLS connections to providers. The roots are parsed once, the way is `UpstreamRoutes` (the user's own proxy, `--resolve`), and one handshake tells
// which version of HTTP a provider chooses before the agent is offered any.
import { connect as connectTls, type ConnectionOptions, type SecureContext, type TLSSocket } from 'node:tls';

import { timePhases, watchProviderConnection, type TellConnection } from './connections.ts';
import { tapSocket, tellKeys, type TlsTap } from './tls-tap.ts';
import { contextTrusting } from './upstream-context.ts';
import { findRoute, type UpstreamRoutes } from './upstream-route.ts';
import { deferSocket, openUpstream } from './upstream-socket.ts';

export type Alpn = 'h2' | 'http/1.1';

export interface ProviderTarget {
  readonly host: string;
  readonly port: number;
  readonly servername?: string;
  readonly ALPNProtocols?: string[];
}

/** `onSecure` is called when TLS stands. */
export type ConnectProvider = (target: ProviderTarget, onSecure: () => void) => TLSSocket;

export interface UpstreamTls {
  /** What was learnt on a connection goes on in the first that asks for the same. */
  readonly connect: ConnectProvider;
  /**
   * Learns which HTTP version `host:port` would choose, by one handshake whose connection the next `connect` takes. Settles in any
   * case: with the code of the failure where there was no handshake with a provider that can be trusted, else null.
   */
  learnAlpn(host: string, port: number): Promise<string | null>;
  /** What was learnt; null where nothing is known. */
  alpnOf(host: string, port: number): Alpn | null;
  /** Closes what is left. */
  close(): void;
}

export interface UpstreamTlsOptions {
  readonly routes: UpstreamRoutes;
  /** PEM certificates trusted besides Node's own. */
  readonly extraRoots: readonly string[];
  /** Told of the bytes and the keys of all connections; absent: nobody asks. */
  readonly tap?: TlsTap | undefined;
  /** Told of each connection; absent: nobody asks. */
  readonly tellConnection?: TellConnection | undefined;
}

/** A connection that waits for its first use, and what is called when it is over before that. */
interface Parked {
  readonly socket: TLSSocket;
  readonly drop: () => void;
}

const handshakeTimeoutMs = 10_000;
const parkedForMs = 5_000;

export function openUpstreamTls({ routes, extraRoots, tap, tellConnection }: UpstreamTlsOptions): UpstreamTls {
  const onKeys = tap === undefined ? null : tellKeys(tap);
  let trusted: SecureContext | null = null;
  const learning = new Map<string, Promise<string | null>>();
  const known = new Map<string, Alpn>();
  const parked = new Map<string, Parked>();

  const open = (target: ProviderTarget, onSecure?: () => void): TLSSocket => {
    const { host, port } = target;
    const route = findRoute(routes, host.toLowerCase(), port);
    const clock = timePhases();
    trusted ??= contextTrusting(extraRoots, {});
    const options: ConnectionOptions = { ...target, secureContext: trusted };
    const connecting =
      route.type === 'direct' && tap?.tellsBytes !== true
        ? null
        : openUpstream({ routes, extraRoots }, host, port, clock.resolved).then((socket) => {
            clock.connected();
            return tap?.tellsBytes === true ? tapSocket(socket, { leg: 'provider', host }, tap) : socket;
          });
    const socket =
      route.type === 'direct' && connecting === null
        ? connectTls({ ...options, host: route.address, port: route.port }, onSecure)
        : connectTls({ ...options, socket: deferSocket(connecting!) }, onSecure);
    if (connecting === null) socket.once('lookup', clock.resolved).once('connect', clock.connected);
    socket.prependOnceListener('secureConnect', () => clock.secured(socket));
    if (tellConnection !== undefined) watchProviderConnection(socket, { host, port }, connecting, tellConnection);
    if (onKeys !== null) socket.on('keylog', onKeys);
    forgetOnError(socket, host, port);
    return socket;
  };

  /** What was learnt holds as long as no connection fails: then the next CONNECT finds out anew. */
  const forgetOnError = (socket: TLSSocket, host: string, port: number): void => {
    socket.once('error', () => learning.delete(`${host}:${port}`));
  };

  const take = ({ host, port, ALPNProtocols }: ProviderTarget): TLSSocket | null => {
    const key = `${host}:${port}`;
    const found = parked.get(key);
    if (found === undefined) return null;
    const { socket, drop } = found;
    const speaks = socket.alpnProtocol === 'h2' ? 'h2' : 'http/1.1';
    if (!(ALPNProtocols ?? ['http/1.1']).includes(speaks)) return null;
    parked.delete(key);
    socket.off('error', drop);
    socket.off('close', drop);
    return socket.destroyed ? null : socket;
  };

  const learn = (host: string, port: number): Promise<string | null> =>
    new Promise((resolve) => {
      const socket = open({ host, port, servername: host, ALPNProtocols: ['h2', 'http/1.1'] });
      const fail = (code: string): void => {
        clearTimeout(timer);
        socket.destroy();
        learning.delete(`${host}:${port}`);
        resolve(code);
      };
      const onError = ({ code, message }: NodeJS.ErrnoException): void => fail(code ?? message);
      const onClose = (): void => fail('ECONNRESET');
      const timer = setTimeout(() => fail('ETIMEDOUT'), handshakeTimeoutMs);
      socket.once('error', onError);
      socket.once('close', onClose);
      socket.once('secureConnect', () => {
        clearTimeout(timer);
        known.set(`${host}:${port}`, socket.alpnProtocol === 'h2' ? 'h2' : 'http/1.1');
        socket.off('error', onError);
        socket.off('close', onClose);
        park(`${host}:${port}`, socket);
        resolve(null);
      });
    });

  const park = (key: string, socket: TLSSocket): void => {
    // One waits for each host: what was learnt twice within its time leaves one too many.
    parked.get(key)?.drop();
    const drop = (): void => {
      if (parked.get(key)?.socket !== socket) return;
      parked.delete(key);
      socket.destroy();
    };
    socket.on('error', drop);
    socket.on('close', drop);
    parked.set(key, { socket, drop });
    setTimeout(drop, parkedForMs).unref();
  };

  return {
    connect(target, onSecure) {
      const ready = take(target);
      if (ready === null) return open(target, onSecure);
      process.nextTick(onSecure);
      return ready;
    },
    learnAlpn(host, port) {
      const key = `${host}:${port}`;
      let settled = learning.get(key);
      if (settled === undefined) {
        settled = learn(host, port);
        learning.set(key, settled);
      }
      return settled;
    },
    alpnOf: (host, port) => known.get(`${host}:${port}`) ?? null,
    close() {
      for (const { socket } of parked.values()) socket.destroy();
      parked.clear();
    },
  };
}
