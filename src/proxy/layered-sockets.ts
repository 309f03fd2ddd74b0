// TLS connections and what they stand on: a socket, a stream in its place, or a handle of Node's that has no object.
import { Socket } from 'node:net';
import type { TLSSocket } from 'node:tls';

import type { Endpoint } from '../domain/index.ts';
import { noteReset } from './connections.ts';

interface Layered {
  readonly _parent?: unknown;
  readonly stream?: unknown;
  readonly _handle?: {
    readonly _parentWrap?: { readonly stream?: unknown };
    readonly _parent?: { reset?(done: () => void): number };
  };
}

/** What a TLS connection stands on: a socket, or a stream in its place. Null: Node gave it a socket of its own that has no object. */
export function below(socket: object): object | null {
  const { _parent, _handle } = socket as Layered;
  const found = _parent ?? _handle?._parentWrap?.stream;
  return typeof found === 'object' ? found : null;
}

/** Ends the TCP connection below with a reset, where there is one of ours; otherwise just ends it. */
export function reset(socket: TLSSocket): void {
  let lowest: object = socket;
  for (let next = below(lowest); next !== null; next = below(lowest)) lowest = next;
  noteReset(socket);
  if (lowest === socket) {
    (socket as Layered)._handle?._parent?.reset?.(() => undefined);
    // Node says nothing more of TLS above a connection that is gone: whoever waits for its end is told here.
    let isTold = false;
    socket.once('close', () => (isTold = true));
    setImmediate(() => void (isTold || socket.emit('close')));
  } else if ('resetAndDestroy' in lowest) (lowest as Socket).resetAndDestroy();
  socket.destroy();
}

export function clientOf(agent: TLSSocket): Endpoint | null {
  for (let at: object | null = agent; at !== null; at = below(at)) {
    const { remoteAddress: address, remotePort: port } = at as Partial<Socket>;
    if (address !== undefined && port !== undefined) return { address, port };
  }
  return null;
}

/** Its half has been ended: what is written goes out before. */
export function destroyOnceWritten(socket: TLSSocket): void {
  if (socket.writableFinished) socket.destroy();
  else socket.once('finish', () => socket.destroy());
}
