// The engine's TLS connections to providers, made ours at the one place that all of them pass: `tls.connect`.
// mockttp has options for extra roots and for a proxy, and both are ruinous or limiting (docs/discoveries/mockttp.md): extra
// roots are parsed again for every connection, a proxy turns HTTP/2 off, and no option redirects a port. Here the roots are
// parsed once, the way is `UpstreamRoutes`, and HTTP/2 stays. Everything else in this process uses its own import of `connect`,
// which this does not touch.

import tls, { connect as connectTls, type ConnectionOptions, type SecureContext, type TLSSocket } from 'node:tls';

import { timePhases, watchProviderConnection, type TellConnection } from './connections.ts';
import { tapSocket, tellKeys, type TlsTap } from './tls-tap.ts';
import { contextTrusting } from './upstream-context.ts';
import { findRoute, type UpstreamRoutes } from './upstream-route.ts';
import { deferSocket, openUpstream } from './upstream-socket.ts';

export type Alpn = 'h2' | 'http/1.1';

export interface UpstreamTls {
  /**
   * Learns which HTTP version `host:port` would choose, by one handshake whose connection the engine then uses. Settles in any
   * case: with the code of the failure where there was no handshake with a provider that can be trusted, else null.
   */
  learnAlpn(host: string, port: number): Promise<string | null>;
  /** What was learnt; null where nothing is known. */
  alpnOf(host: string, port: number): Alpn | null;
  /** Gives `tls.connect` back and closes what is left. */
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

export function installUpstreamTls({ routes, extraRoots, tap, tellConnection }: UpstreamTlsOptions): UpstreamTls {
  const onKeys = tap === undefined ? null : tellKeys(tap);
  const contexts = new Map<string, SecureContext>();
  const learning = new Map<string, Promise<string | null>>();
  const known = new Map<string, Alpn>();
  const parked = new Map<string, Parked>();

  const contextFor = (options: ConnectionOptions): SecureContext => {
    const { ciphers, sigalgs, ecdhCurve, minVersion, maxVersion, secureOptions } = options;
    const chosen = { ciphers, sigalgs, ecdhCurve, minVersion, maxVersion, secureOptions };
    const key = JSON.stringify(chosen);
    let context = contexts.get(key);
    if (context === undefined) {
      const given = Object.fromEntries(Object.entries(chosen).filter(([, value]) => value !== undefined));
      context = contextTrusting(extraRoots, given);
      contexts.set(key, context);
    }
    return context;
  };

  const open = (options: ConnectionOptions, onSecure?: () => void): TLSSocket => {
    const { host = 'localhost', port = 443 } = options;
    const route = findRoute(routes, host.toLowerCase(), port);
    const clock = timePhases();
    const trusted = { ...options, secureContext: contextFor(options) };
    const connecting =
      route.type === 'direct' && tap?.tellsBytes !== true
        ? null
        : openUpstream({ routes, extraRoots }, host, port, clock.resolved).then((socket) => {
            clock.connected();
            return tap?.tellsBytes === true ? tapSocket(socket, { leg: 'provider', host }, tap) : socket;
          });
    const socket =
      route.type === 'direct' && connecting === null
        ? connectTls({ ...trusted, host: route.address, port: route.port }, onSecure)
        : connectTls({ ...trusted, socket: deferSocket(connecting!) }, onSecure);
    if (connecting === null) socket.once('lookup', clock.resolved).once('connect', clock.connected);
    socket.prependOnceListener('secureConnect', () => clock.secured(socket));
    if (tellConnection !== undefined) watchProviderConnection(socket, { host, port }, connecting, tellConnection);
    if (onKeys !== null) socket.on('keylog', onKeys);
    forgetOnError(socket, host, port);
    // mockttp takes an outgoing port that equals an incoming one for a loop, and fails the request; on loopback that
    // happens by chance. A real loop cannot form: the engine has no listener.
    Object.defineProperty(socket, 'localPort', { configurable: true, get: () => undefined });
    return socket;
  };

  /** What was learnt holds as long as no connection fails: then the next CONNECT finds out anew. */
  const forgetOnError = (socket: TLSSocket, host: string, port: number): void => {
    socket.once('error', () => learning.delete(`${host}:${port}`));
  };

  const take = (options: ConnectionOptions): TLSSocket | null => {
    const key = `${options.host}:${options.port ?? 443}`;
    const found = parked.get(key);
    if (found === undefined) return null;
    const { socket, drop } = found;
    const wanted = options.ALPNProtocols;
    const speaks = socket.alpnProtocol === 'h2' ? 'h2' : 'http/1.1';
    const isWanted = Array.isArray(wanted) ? wanted.some((name) => name === speaks) : speaks === 'http/1.1';
    if (!isWanted) return null;
    parked.delete(key);
    socket.off('error', drop);
    socket.off('close', drop);
    return socket.destroyed ? null : socket;
  };

  const original = tls.connect;
  const replacement = (...given: unknown[]): TLSSocket => {
    const { options, onSecure } = readArguments(given);
    const ready = take(options);
    if (ready === null) return open(options, onSecure);
    if (onSecure !== undefined) process.nextTick(onSecure);
    return ready;
  };
  tls.connect = replacement;

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
      tls.connect = original;
      for (const { socket } of parked.values()) socket.destroy();
      parked.clear();
    },
  };
}

/** The three forms of `tls.connect`: (options, f), (port, options, f), (port, host, options, f). */
function readArguments(given: readonly unknown[]): { options: ConnectionOptions; onSecure: (() => void) | undefined } {
  const options: ConnectionOptions = {};
  let onSecure: (() => void) | undefined;
  for (const [at, argument] of given.entries()) {
    if (typeof argument === 'function') onSecure = argument as () => void;
    else if (typeof argument === 'object' && argument !== null) Object.assign(options, argument);
    else if (at === 0 && argument !== undefined) options.port = Number(argument);
    else if (at === 1 && typeof argument === 'string') options.host = argument;
  }
  // mockttp gives the port as text, whatever the type says.
  const port: unknown = options.port;
  if (typeof port === 'string') options.port = Number(port);
  return { options, onSecure };
}
