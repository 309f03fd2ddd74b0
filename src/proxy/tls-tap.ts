// The tap below TLS: a stream in the place of a TCP socket that tells of every byte with its time and passes it on, and the keys of the
// handshakes. No packet capture and no privilege are needed for it. Stands in the way only where a dump of ciphertext is asked for.
import type { Socket } from 'node:net';
import { Duplex } from 'node:stream';

import { newId, type Endpoint, type Stamp, type TapEvent } from '../domain/index.ts';

export interface TlsTap {
  /** Called at once, with bytes by reference. Must not throw. */
  readonly tell: (event: TapEvent) => void;
  /** False: only keys are wanted, and no stream stands in the way. */
  readonly tellsBytes: boolean;
}

export interface TappedConnection {
  readonly leg: 'agent' | 'provider';
  readonly host: string;
}

/** A stream to be used in place of the connected socket. */
export function tapSocket(socket: Socket, { leg, host }: TappedConnection, { tell }: TlsTap): Socket {
  const tapId = newId();
  // The socket's other end is the client on the agent's side, and the server on the provider's.
  const [far, near] = leg === 'agent' ? (['client', 'server'] as const) : (['server', 'client'] as const);
  const remote = endpoint(socket.remoteAddress, socket.remotePort);
  const local = endpoint(socket.localAddress, socket.localPort);
  const ends = leg === 'agent' ? { client: remote, server: local } : { client: local, server: remote };
  tell({ type: 'tapOpened', tapId, leg, host, ...ends, ...stamp() });
  let by: 'client' | 'server' = near;
  let isReset = false;
  const duplex = new Duplex({
    allowHalfOpen: true,
    read() {
      socket.resume();
    },
    write(chunk: Buffer, _encoding, done) {
      tell({ type: 'tapData', tapId, from: near, data: chunk, ...stamp() });
      socket.write(chunk, done);
    },
    final(done) {
      socket.end(done);
    },
    destroy(error, done) {
      socket.destroy();
      done(error);
    },
  });
  socket.on('data', (data: Buffer) => {
    tell({ type: 'tapData', tapId, from: far, data, ...stamp() });
    if (!duplex.push(data)) socket.pause();
  });
  socket.on('end', () => {
    by = far;
    duplex.push(null);
  });
  socket.on('error', (error: NodeJS.ErrnoException) => {
    isReset = error.code === 'ECONNRESET' || error.code === 'EPIPE';
    by = far;
    duplex.destroy(error);
  });
  socket.on('close', () => {
    tell({ type: 'tapClosed', tapId, by, isReset, ...stamp() });
    duplex.destroy();
  });
  const { remoteAddress, remotePort, localAddress, localPort } = socket;
  return Object.assign(duplex, {
    remoteAddress,
    remotePort,
    localAddress,
    localPort,
    resetAndDestroy() {
      isReset = true;
      by = near;
      socket.resetAndDestroy();
      return duplex;
    },
  }) as unknown as Socket;
}

/** Gives what to call with each line of a key log. */
export function tellKeys({ tell }: TlsTap): (line: Buffer | string) => void {
  return (line) => tell({ type: 'tapKeys', line: line.toString().trim(), ...stamp() });
}

/** How many lines are remembered. */
const keptLines = 512;

/** The same tap, told each key once: the engine listens at the connections upstream, too. */
export function withoutRepeats({ tell, tellsBytes }: TlsTap): TlsTap {
  const told = new Set<string>();
  return {
    tellsBytes,
    tell(event) {
      if (event.type === 'tapKeys') {
        if (told.has(event.line)) return;
        told.add(event.line);
        const [oldest] = told;
        if (told.size > keptLines && oldest !== undefined) told.delete(oldest);
      }
      tell(event);
    },
  };
}

function stamp(): Stamp {
  const mono = performance.now();
  return { mono, at: performance.timeOrigin + mono };
}

const endpoint = (address: string | undefined, port: number | undefined): Endpoint | null =>
  address === undefined || port === undefined ? null : { address, port };
