// One TLS port on loopback that serves any name, HTTP/1.1 and HTTP/2 side by side, and says for each request which connection
// it came on. It knows nothing of what is asked or answered.
import { once } from 'node:events';
import { createServer as createHttp1, type IncomingMessage } from 'node:http';
import { createServer as createHttp2, type Http2ServerRequest, type ServerHttp2Session } from 'node:http2';
import { createServer as createTcp, type AddressInfo, type Socket } from 'node:net';
import type { Duplex } from 'node:stream';
import { createSecureContext, createServer as createTls, type SecureContext, type TLSSocket } from 'node:tls';

export interface Connection {
  readonly id: number;
  /** The name that the client asked for (SNI); null where it sent none. */
  readonly servername: string | null;
  readonly alpn: string | null;
  /** Ends the connection with what was written still delivered. */
  destroy(): void;
  /** Ends the connection with a TCP reset. */
  reset(): void;
}

/** What the answers of HTTP/1.1 and HTTP/2 have in common. */
export interface Reply {
  appendHeader(name: string, value: string): unknown;
  writeHead(status: number): unknown;
  write(bytes: Uint8Array, written: (error?: Error | null) => void): boolean;
  end(): unknown;
  once(event: 'close', listener: () => void): unknown;
}

export type IncomingRequest = IncomingMessage | Http2ServerRequest;

export interface Handlers {
  onRequest(request: IncomingRequest, reply: Reply, connection: Connection): void;
  onUpgrade(request: IncomingMessage, socket: Duplex, head: Buffer, connection: Connection): void;
  onTlsError(error: Error): void;
}

export interface TlsListener {
  readonly port: number;
  close(): Promise<void>;
}

/** Key and certificate of a server, in PEM. */
export interface Leaf {
  readonly cert: string;
  readonly key: string;
}

export interface ListenOptions {
  /** Offers HTTP/2 beside HTTP/1.1. */
  readonly http2: boolean;
  /** 0 picks a free one. */
  readonly port: number;
  /** For clients that ask for no name. */
  readonly leaf: Leaf;
  /** For clients that ask for this name; asked once for each. */
  readonly leafFor: (servername: string) => Leaf;
}

export async function listenTls(options: ListenOptions, handlers: Handlers): Promise<TlsListener> {
  const raws = new Map<string, Socket>();
  const connections = new WeakMap<object, Connection>();
  const known = (key: object | undefined): Connection => {
    const connection = key && connections.get(key);
    if (!connection) throw new Error('the provider does not know this connection');
    return connection;
  };

  const http1 = createHttp1({
    keepAliveTimeout: 120_000,
    headersTimeout: 0,
    requestTimeout: 0,
    maxHeaderSize: 1024 * 1024,
  });
  http1.on('request', (request, response) => handlers.onRequest(request, response, known(request.socket)));
  http1.on('upgrade', (request, socket, head) => handlers.onUpgrade(request, socket, head, known(socket)));
  http1.on('clientError', (_error, socket) => socket.destroy());

  const http2 = createHttp2();
  http2.on('request', (request, response) => handlers.onRequest(request, response, known(request.stream.session)));
  http2.on('sessionError', () => {});

  let lastId = 0;
  const tls = createTls({
    ...options.leaf,
    SNICallback: contextFor(options.leafFor),
    ALPNProtocols: options.http2 ? ['h2', 'http/1.1'] : ['http/1.1'],
  });
  tls.on('tlsClientError', (error) => handlers.onTlsError(error));
  tls.on('secureConnection', (socket) => {
    const raw = raws.get(peerOf(socket));
    lastId += 1;
    const connection: Connection = {
      id: lastId,
      servername: socket.servername || null,
      alpn: socket.alpnProtocol || null,
      destroy: () => socket.destroy(),
      reset: () => raw?.resetAndDestroy(),
    };
    connections.set(socket, connection);
    socket.on('error', () => socket.destroy());
    if (connection.alpn !== 'h2') return void http1.emit('connection', socket);
    http2.once('session', (session: ServerHttp2Session) => connections.set(session, connection));
    http2.emit('connection', socket);
  });

  // A TCP server of its own in front keeps hold of the raw sockets: only they can be reset, and all of them end on close.
  const tcp = createTcp({ noDelay: true }, (raw) => {
    const peer = peerOf(raw);
    raws.set(peer, raw);
    raw.once('close', () => raws.delete(peer));
    raw.on('error', () => raw.destroy());
    tls.emit('connection', raw);
  });
  tcp.listen(options.port, '127.0.0.1');
  await once(tcp, 'listening');
  return {
    port: (tcp.address() as AddressInfo).port,
    close: async () => {
      const closed = once(tcp, 'close');
      tcp.close();
      for (const raw of raws.values()) raw.destroy();
      http1.close();
      http2.close();
      await closed;
    },
  };
}

function peerOf(socket: Socket | TLSSocket): string {
  return `${socket.remoteAddress}:${socket.remotePort}`;
}

/** A context for each name that is asked for, made at its first handshake. */
function contextFor(leafFor: (servername: string) => Leaf) {
  const contexts = new Map<string, SecureContext>();
  return (servername: string, done: (error: Error | null, context?: SecureContext) => void): void => {
    const context = contexts.get(servername) ?? createSecureContext(leafFor(servername));
    contexts.set(servername, context);
    done(null, context);
  };
}
