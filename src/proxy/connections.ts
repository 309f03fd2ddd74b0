// The connections of both sides, for dumps: when they opened, between which ends, and who ended them how.
import type { Socket } from 'node:net';
import type { TLSSocket } from 'node:tls';

import type { ConnectionEnd, ConnectionEvent, Endpoint, ResponseHead, Stamp } from '../domain/index.ts';

/** Called at once. Must not throw. */
export type TellConnection = (event: ConnectionEvent) => void;

export interface Destination {
  readonly host: string;
  readonly port: number;
}

export interface Ends {
  readonly local: Endpoint | null;
  readonly remote: Endpoint | null;
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
      const ending = resets.has(socket) ? ({ by: 'client', isReset: true } as const) : how;
      tell({ type: 'connectionEnded', ...ends, ...ending, ...stamp() });
    };
    if (socket.destroyed) onClose();
    else socket.once('close', onClose);
  };
  // Node takes a socket out of HTTP for an upgrade, and lets go of the answer; at this event it is still there.
  socket.once('agentRemove', () => {
    const { _httpMessage: request } = socket as { readonly _httpMessage?: { readonly res?: UpgradeAnswer } | null };
    Object.defineProperty(socket, upgradeAnswer, { value: request?.res });
  });
  if (whenConnected === null) socket.once('connect', () => onConnect(socket));
  else void whenConnected.then(onConnect, () => undefined);
}

/** Of TLS over a stream that is no socket (through a proxy, under a tap): those of the socket below it. */
const knownEnds = Symbol('ends');

const resets = new WeakSet<object>();

/** This connection of ours is about to be reset by us. */
export const noteReset = (socket: object): void => void resets.add(socket);

const upgradeAnswer = Symbol('upgradeAnswer');

interface UpgradeAnswer {
  readonly statusCode?: number;
  readonly statusMessage?: string;
  readonly rawHeaders: readonly string[];
}

/** What the provider answered to the upgrade that this connection of ours was taken for; null where it is not known. */
export function upgradeAnswerOf(socket: object): ResponseHead | null {
  const answer = (socket as { readonly [upgradeAnswer]?: UpgradeAnswer })[upgradeAnswer];
  if (answer?.statusCode === undefined) return null;
  const { statusCode: status, statusMessage: reason = '', rawHeaders } = answer;
  const headers: (readonly [string, string])[] = [];
  for (let at = 0; at + 1 < rawHeaders.length; at += 2) headers.push([rawHeaders[at]!, rawHeaders[at + 1]!]);
  return { status, reason, headers };
}

/** Not by `localPort` and `remotePort`: they say what the engine should believe (upstream-tls.ts). */
export function endsOf(socket: object): Ends {
  try {
    const known = (socket as { readonly [knownEnds]?: Ends })[knownEnds];
    if (known !== undefined) return known;
    const { remoteAddress, remotePort, localAddress, localPort, address, _getpeername } = socket as SocketFacts;
    const local = address?.call(socket) as { readonly address?: string; readonly port?: number } | undefined;
    const peer = _getpeername?.call(socket) as { readonly port?: number } | undefined;
    return {
      local: endpoint(local?.address ?? localAddress, local?.port ?? localPort),
      remote: endpoint(remoteAddress, peer?.port ?? remotePort),
    };
  } catch {
    return { local: null, remote: null }; // an HTTP/2 session that has just gone has no socket to ask
  }
}

interface SocketFacts {
  readonly remoteAddress?: string;
  readonly remotePort?: number;
  readonly localAddress?: string;
  readonly localPort?: number;
  address?(): unknown;
  _getpeername?(): unknown;
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
