// The connections of both sides, for dumps: when they opened, between which ends, and who ended them how.
import type { Socket } from 'node:net';
import type { TLSSocket } from 'node:tls';

import type { ConnectionEnd, ConnectionEvent, ConnectionPhases, Endpoint, Stamp } from '../domain/index.ts';

/** Called at once. Must not throw. */
export type TellConnection = (event: ConnectionEvent) => void;

export interface Destination {
  readonly host: string;
  readonly port: number;
}

export interface Ends {
  readonly local: Endpoint | null;
  readonly remote: Endpoint | null;
  /** Of a connection to the provider, once it stands. */
  readonly phases?: ConnectionPhases;
}

export interface AgentConnections {
  /** A connection that wants an intercepted host. `openedAt`: by performance.now(). */
  open(socket: Socket, destination: Destination, openedAt: number): void;
  /** TLS that stands on one of them: what happens to the connection is seen there. */
  secure(socket: TLSSocket): void;
}

type HowItEnded = Pick<ConnectionEnd, 'by' | 'isReset'>;

export function watchAgentConnections(tell: TellConnection): AgentConnections {
  const open = new Map<number, HowItEnded>();
  return {
    open(socket, destination, openedAt) {
      const { local: server, remote: client } = endsOf(socket);
      if (client === null) return;
      const ends = { leg: 'agent', client, server } as const;
      tell({ type: 'connectionOpened', ...ends, ...destination, ...stamp(openedAt) });
      // Whoever says nothing is ended by us.
      open.set(client.port, { by: 'server', isReset: false });
      hearEnd(socket, 'client', (how) => open.set(client.port, how));
      socket.once('close', () => {
        const how = open.get(client.port)!;
        open.delete(client.port);
        tell({ type: 'connectionEnded', ...ends, ...how, ...stamp() });
      });
    },
    secure(socket) {
      const { remotePort: port } = socket;
      if (port === undefined || !open.has(port)) return;
      const keep = (how: HowItEnded): void => {
        if (open.has(port)) open.set(port, how);
      };
      hearEnd(socket, 'client', keep);
    },
  };
}

/** Tells of a connection of ours from when it stands; `whenConnected` gives the socket that has its ends. */
export function watchProviderConnection(
  socket: TLSSocket,
  destination: Destination,
  whenConnected: Promise<Socket> | null,
  tell: TellConnection,
): void {
  let how: HowItEnded = { by: 'client', isReset: false };
  hearEnd(socket, 'server', (heard) => (how = heard));
  const onConnect = (connected: Socket): void => {
    const found = endsOf(connected);
    Object.defineProperty(socket, knownEnds, { value: found });
    const { local: client, remote: server } = found;
    if (client === null) return;
    const ends = { leg: 'provider', client, server } as const;
    tell({ type: 'connectionOpened', ...ends, ...destination, ...stamp() });
    const onClose = (): void => {
      const ending = isResetByUs in socket ? ({ by: 'client', isReset: true } as const) : how;
      tell({ type: 'connectionEnded', ...ends, ...ending, ...stamp() });
    };
    if (socket.destroyed) onClose();
    else socket.once('close', onClose);
  };
  if (whenConnected === null) socket.once('connect', () => onConnect(socket));
  else void whenConnected.then(onConnect, () => undefined);
}

/** What is heard of a connection while it is made. */
export interface PhaseClock {
  resolved(): void;
  connected(): void;
  secured(socket: TLSSocket): void;
}

/** To be made when the connection is asked for: what it hears is then with its ends. */
export function timePhases(): PhaseClock {
  const began = stamp();
  let resolvedAt: number | null = null;
  let connectedAt: number | null = null;
  return {
    resolved: () => void (resolvedAt ??= performance.now()),
    connected: () => void (connectedAt ??= performance.now()),
    secured(socket) {
      const securedAt = performance.now();
      const phases: ConnectionPhases = {
        began,
        dnsMs: resolvedAt === null ? null : resolvedAt - began.mono,
        connectMs: securedAt - (resolvedAt ?? began.mono),
        sslMs: securedAt - (connectedAt ?? securedAt),
      };
      Object.defineProperty(socket, knownPhases, { value: phases });
    },
  };
}

/** Of TLS over a stream that is no socket (through a proxy, under a tap): those of the socket below it. */
const knownEnds = Symbol.for('tapes.ends');

// These are properties by name, too: the engine of the published program is a script with a copy of this module (load-engine.ts).
const isResetByUs = Symbol.for('tapes.isReset');
const knownPhases = Symbol.for('tapes.phases');

/** This connection of ours is about to be reset by us. */
export const noteReset = (socket: object): void => void Object.defineProperty(socket, isResetByUs, { value: true });

/** Where it is and whom it is with, as far as it can be told. */
export function endsOf(socket: object): Ends {
  const { [knownEnds]: known, [knownPhases]: phases } = socket as KnownFacts;
  const { remoteAddress, remotePort, localAddress, localPort } = socket as SocketFacts;
  return {
    ...(known ?? { local: endpoint(localAddress, localPort), remote: endpoint(remoteAddress, remotePort) }),
    ...(phases === undefined ? {} : { phases }),
  };
}

interface KnownFacts {
  readonly [knownEnds]?: Ends;
  readonly [knownPhases]?: ConnectionPhases;
}

interface SocketFacts {
  readonly remoteAddress?: string;
  readonly remotePort?: number;
  readonly localAddress?: string;
  readonly localPort?: number;
}

function hearEnd(socket: Socket, by: 'client' | 'server', keep: (how: HowItEnded) => void): void {
  // Before Node itself ends a half that answers this one; what had been ended by then was ended first.
  socket.prependOnceListener('end', () => {
    if (!socket.writableEnded) keep({ by, isReset: false });
  });
  socket.once('error', ({ code }: NodeJS.ErrnoException) => keep({ by, isReset: code === 'ECONNRESET' }));
}

const endpoint = (address: string | undefined, port: number | undefined): Endpoint | null =>
  address === undefined || port === undefined ? null : { address, port };

export function stamp(mono = performance.now()): Stamp {
  return { mono, at: performance.timeOrigin + mono };
}
