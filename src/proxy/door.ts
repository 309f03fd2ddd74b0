// The door: one listener on loopback that takes every connection first. It checks the run's credentials, carries hosts that are not
// intercepted itself, raw, and hands the others to the engine, which may still be loading: they wait.
import { timingSafeEqual } from 'node:crypto';
import { createServer, type Server, type Socket } from 'node:net';
import { TLSSocket } from 'node:tls';

import { newId, type Sink } from '../domain/index.ts';
import { TapesError } from '../errors.ts';
import { readConnectRequest, type ConnectRequest } from './connect-request.ts';

export interface DoorOptions {
  /** 0 picks a free port. */
  readonly port: number;
  /** The value that `Proxy-Authorization` must have; null lets everybody on this machine in. */
  readonly authorization: string | null;
  /** A CONNECT to any other host is refused with 403. */
  readonly isAdmitted: (host: string, port: number) => boolean;
  readonly isIntercepted: (host: string, port: number) => boolean;
  /** Takes over a socket that wants an intercepted host. May return false: then it is tunnelled (fail open). `openedAt`: by performance.now(). */
  readonly intercept: (socket: Socket, host: string, port: number, openedAt: number) => Promise<boolean>;
  readonly openUpstream: (host: string, port: number) => Promise<Socket>;
  readonly sink: Sink<unknown>;
}

export interface Door {
  readonly port: number;
  /** Stops listening and cuts what is still open. */
  close(): Promise<void>;
}

/** Opens the door on 127.0.0.1. Throws `E_PORT_IN_USE`, `E_PORT_INVALID`. */
export async function openDoor(options: DoorOptions): Promise<Door> {
  const sockets = new Set<Socket>();
  const keep = (socket: Socket): void => {
    sockets.add(socket);
    socket.once('close', () => sockets.delete(socket));
    // A peer that resets is ordinary; without a listener it would end the process.
    socket.on('error', () => socket.destroy());
  };
  const server = createServer({ allowHalfOpen: true, noDelay: true }, (socket) => {
    keep(socket);
    greet(socket, options, keep);
  });
  await listen(server, options.port);
  const address = server.address();
  return {
    port: typeof address === 'object' && address !== null ? address.port : options.port,
    close() {
      return new Promise((resolve) => {
        server.close(() => resolve());
        for (const socket of sockets) socket.destroy();
      });
    },
  };
}

function listen(server: Server, port: number): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once('error', (cause: NodeJS.ErrnoException) => {
      reject(
        cause.code === 'EADDRINUSE'
          ? new TapesError('E_PORT_IN_USE', `port ${port} is in use`, {
              hint: 'run with --port 0 to pick a free one',
              cause,
            })
          : new TapesError('E_PORT_INVALID', `cannot listen on port ${port}: ${cause.message}`, {
              hint: 'run with --port 0 to pick a free one',
              cause,
            }),
      );
    });
    server.listen({ port, host: '127.0.0.1' }, () => resolve());
  });
}

function greet(socket: Socket, options: DoorOptions, keep: (socket: Socket) => void): void {
  const openedAt = performance.now();
  let head = Buffer.alloc(0);
  const stop = (): void => {
    socket.off('readable', onReadable);
    socket.off('end', onEnd);
  };
  const onEnd = (): void => {
    stop();
    socket.destroy();
  };
  const onReadable = (): void => {
    for (let chunk: Buffer | null; (chunk = socket.read() as Buffer | null) !== null;) {
      head = Buffer.concat([head, chunk]);
      const reading = readConnectRequest(head);
      if (reading.type === 'incomplete') continue;
      stop();
      if (reading.type === 'refused') return refuse(socket, reading.status, reading.reason);
      if (!isAuthorized(options.authorization, reading.request)) {
        return refuse(socket, 407, 'Proxy Authentication Required', 'Proxy-Authenticate: Basic realm="tapes"\r\n');
      }
      const rest = head.subarray(reading.request.headBytes);
      if (rest.length > 0) socket.unshift(rest);
      void admit(socket, reading.request, openedAt, options, keep);
      return;
    }
  };
  socket.on('readable', onReadable);
  socket.on('end', onEnd);
}

function isAuthorized(expected: string | null, { proxyAuthorization }: ConnectRequest): boolean {
  if (expected === null) return true;
  const given = Buffer.from(proxyAuthorization ?? '');
  const wanted = Buffer.from(expected);
  return given.length === wanted.length && timingSafeEqual(given, wanted);
}

function refuse(socket: Socket, status: number, reason: string, extraFields = ''): void {
  const allow = status === 405 ? 'Allow: CONNECT\r\n' : '';
  socket.end(`HTTP/1.1 ${status} ${reason}\r\n${allow}${extraFields}Content-Length: 0\r\nConnection: close\r\n\r\n`);
}

async function admit(
  socket: Socket,
  { host, port }: ConnectRequest,
  openedAt: number,
  options: DoorOptions,
  keep: (socket: Socket) => void,
): Promise<void> {
  if (!options.isAdmitted(host, port)) return refuse(socket, 403, 'Forbidden');
  if (options.isIntercepted(host, port) && (await options.intercept(socket, host, port, openedAt))) return;
  let upstream: Socket;
  try {
    upstream = await options.openUpstream(host, port);
  } catch (error) {
    // What a proxy says when it cannot get through (RFC 9110 section 15.6.3); the client shows it as a failed connection.
    const isTimeout = (error as NodeJS.ErrnoException).code === 'ETIMEDOUT';
    return isTimeout ? refuse(socket, 504, 'Gateway Timeout') : refuse(socket, 502, 'Bad Gateway');
  }
  keep(upstream);
  if (socket.destroyed) {
    upstream.destroy();
    return;
  }
  socket.write('HTTP/1.1 200 Connection established\r\n\r\n');
  tunnel(socket, upstream, host, port, options.sink);
}

/** Carries bytes both ways until both sides are done; an end stays an end (half-close), a reset becomes a reset. */
function tunnel(socket: Socket, upstream: Socket, host: string, port: number, sink: Sink<unknown>): void {
  const tunnelId = newId();
  const stamp = (): { at: number; mono: number } => {
    const mono = performance.now();
    return { mono, at: performance.timeOrigin + mono };
  };
  sink.push({ type: 'tunnelOpened', tunnelId, host, port, ...stamp() });
  let open = 2;
  const closed = (): void => {
    if (--open > 0) return;
    const { bytesRead: receivedBytes, bytesWritten: sentBytes } = upstream;
    sink.push({ type: 'tunnelClosed', tunnelId, host, port, sentBytes, receivedBytes, ...stamp() });
  };
  for (const [from, to] of [
    [socket, upstream],
    [upstream, socket],
  ] as const) {
    from.pipe(to);
    from.once('error', () => reset(to));
    from.once('close', () => {
      if (!from.readableEnded) to.destroy();
      closed();
    });
  }
}

/** A reset where there is a TCP connection to reset; below TLS (to a proxy over HTTPS) Node can only close. */
function reset(socket: Socket): void {
  if (socket instanceof TLSSocket) socket.destroy();
  else socket.resetAndDestroy();
}
