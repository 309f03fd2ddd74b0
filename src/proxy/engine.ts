// mockttp as the engine: decrypts what the door hands it, with a certificate for each host; the relay carries what is inside.
// It listens nowhere: the door hands over sockets that it has accepted and authenticated.
import type { EventEmitter } from 'node:events';
import type { Server, Socket } from 'node:net';
import type { Writable } from 'node:stream';
import { TLSSocket } from 'node:tls';

// The server that takes connections apart, without the one that finds rules for requests: none is ever asked.
import { createComboServer } from 'mockttp/dist/server/http-combo-server';
// A default import: its functions can be replaced.
import certificates from 'mockttp/dist/util/certificates';
import { LastHopEncrypted, LastTunnelAddress, TlsSetupCompleted } from 'mockttp/dist/util/socket-extensions';

import type { Pace, Sink } from '../domain/index.ts';
import { formatAuthority, readAuthority } from './connect-request.ts';
import { endsOf } from './connections.ts';
import { stampEvents } from './emit.ts';
import { below } from './layered-sockets.ts';
import { LeafCertificates } from './leaf-certificates.ts';
import { openRelay, type HttpVersion, type Relay } from './relay.ts';
import { tapSocket, tellKeys, type TlsTap } from './tls-tap.ts';
import type { Alpn, ConnectProvider } from './upstream-tls.ts';
import { warmUp } from './warm-up.ts';

// Certificates are made by us: mockttp asks nobody else, and looks its maker up here.
Object.assign(certificates, {
  getCA: async ({ cert, key }: { readonly cert: string; readonly key: string }) => new LeafCertificates(cert, key),
});

export interface EngineOptions {
  readonly certificatePem: string;
  readonly keyPem: string;
  /** A host that the root permits, for connections without SNI. */
  readonly defaultHost: string;
  readonly connect: ConnectProvider;
  /** Upgrades of these paths are answered 426. */
  readonly isRefusedUpgrade: (path: string) => boolean;
  /** The HTTP version that the real host would choose. */
  readonly alpnOf: (host: string, port: number) => Alpn | null;
  readonly sink: Sink<unknown>;
  /** Of whoever keeps what the sink is told; null: nobody does. */
  readonly pace: Pace | null;
  /** Events also tell of the provider's side. */
  readonly tellsUpstream: boolean;
  /** Told of what passes below TLS on the agent's side; absent: nobody asks. */
  readonly tap?: TlsTap | undefined;
  /** Told of TLS that stands on an agent's connection. */
  readonly onSecure?: ((socket: TLSSocket) => void) | undefined;
}

export interface Engine {
  /** Answers a socket whose CONNECT to `host:port` was accepted by the door, and takes it. */
  accept(socket: Socket, host: string, port: number): void;
  /** Makes the certificate that the first connection will need. Settles in any case. */
  warmUp(): Promise<void>;
  /** Exchanges that have begun and not ended. */
  openExchanges(): number;
  tellHungUp(): void;
}

export async function startEngine(options: EngineOptions): Promise<Engine> {
  const { tap } = options;
  const emit = stampEvents(options.sink);
  /** Offers the agent what the provider would have offered; h2 until that is known. */
  function chooseAlpn(this: TLSSocket, { protocols }: { protocols: string[] }): string | undefined {
    const to = destinationOf(this);
    const isOld = to !== null && options.alpnOf(to.host, to.port) === 'http/1.1';
    const preferred = isOld ? ['http/1.1'] : ['h2', 'http/1.1'];
    return preferred.find((name) => protocols.includes(name)) ?? protocols[0];
  }
  const server = (await createComboServer({
    debug: false,
    socks: false,
    passthroughUnknownProtocols: false,
    https: {
      key: options.keyPem,
      cert: options.certificatePem,
      defaultDomain: options.defaultHost,
      tlsServerOptions: { ALPNCallback: chooseAlpn } as object,
    },
    // Without a say in it: the callback has it.
    http2: 'fallback',
    // Any object that can be written to will do.
    keyLogStream: tap === undefined ? undefined : ({ write: tellKeys(tap) } as unknown as Writable),
    tlsClientErrorListener(socket, failure) {
      // What fails once TLS stands is no handshake, and the warm-up's comes from no address.
      if (wasSecure(socket) || failure.remoteIpAddress === undefined) return;
      const host = failure.tlsMetadata.sniHostname ?? failure.destination?.hostname ?? '';
      setImmediate(() => emit({ type: 'tlsFailed', host, cause: failure.failureCause }));
    },
    requestListener: ignore,
    tlsPassthroughListener: ignore,
    rawPassthroughListener: ignore,
  })) as unknown as TakingServer;
  if (options.onSecure !== undefined) server.on('secureConnection', options.onSecure);
  const relay = openRelay({
    emit,
    connect: options.connect,
    isRefusedUpgrade: options.isRefusedUpgrade,
    endsOf: options.tellsUpstream ? endsOf : null,
    pace: options.pace,
  });
  takeHttp(server, relay);
  return {
    openExchanges: () => relay.openExchanges(),
    tellHungUp: () => relay.tellHungUp(),
    warmUp: () => warmUp(options.defaultHost, options.certificatePem, (socket) => server.emit('connection', socket)),
    accept(socket, host, port) {
      // As the engine answers a CONNECT. It takes one from real sockets only, and with an HTTP server's parser and answer.
      socket.write('HTTP/1.1 200 OK\r\n\r\n');
      const carried = tap?.tellsBytes === true ? tapSocket(socket, { leg: 'agent', host }, tap) : socket;
      const tunnel = { [LastTunnelAddress]: formatAuthority(host, port), [LastHopEncrypted]: false };
      server.emit('connection', Object.assign(carried, tunnel));
    },
  };
}

const ignore = (): void => undefined;

const wasSecure = (socket: TLSSocket): boolean =>
  (socket as { [TlsSetupCompleted]?: boolean })[TlsSetupCompleted] === true;

/** Has the relay carry the HTTP inside TLS instead of mockttp. */
function takeHttp({ _httpServer, _http2Server }: TakingServer, relay: Relay): void {
  const take = (server: EventEmitter, version: HttpVersion): void => {
    const emit = server.emit.bind(server) as (event: string, ...given: unknown[]) => boolean;
    server.emit = (event: string, ...given: unknown[]): boolean => {
      const [socket] = given;
      if (event !== 'connection') return emit(event, ...given);
      if (socket instanceof TLSSocket) {
        const to = destinationOf(socket);
        // The warm-up's handshake leads nowhere.
        if (to === null) return emit(event, ...given);
        relay.carry(socket, version, to.host, to.port);
      }
      // HTTP without TLS, to a provider that speaks TLS on that port.
      else (socket as Socket).destroy();
      return true;
    };
  };
  take(_http2Server, '2');
  take(_httpServer, '1.1');
}

/** Where the CONNECT below this connection led. */
function destinationOf(socket: TLSSocket): { host: string; port: number } | null {
  for (let at: object | null = socket; at !== null; at = below(at)) {
    const { [LastTunnelAddress]: address } = at as { readonly [LastTunnelAddress]?: string };
    if (address !== undefined) return readAuthority(address);
  }
  return null;
}

/** It takes sockets by its event `connection`, and could listen, too: nobody asks it to. */
interface TakingServer extends Server {
  readonly _http2Server: EventEmitter;
  readonly _httpServer: EventEmitter;
}
