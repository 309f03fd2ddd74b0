// Connections to a provider that has said 101 already, until the engine asks for them. The relay asks the provider itself (http1-relay.ts), so that
// a refusal passes byte for byte; the engine then believes that it asks: what it writes is swallowed, and the provider's answer is put in front of it.
import type { ConnectionOptions, TLSSocket } from 'node:tls';

import type { RawHeaders } from '../domain/index.ts';

export interface UpgradedSockets {
  /**
   * `requestHeaders`: of the upgrade, by which the engine's request is known. `answer`: all that has come of the provider's. `onLost`: it was over
   * before it was taken, or nobody took it.
   */
  park(requestHeaders: RawHeaders, socket: TLSSocket, answer: Buffer, onLost: () => void): void;
  /** The connection for what the engine is about to ask, by the options that Node gives `tls.connect`; null where there is none. */
  take(options: ConnectionOptions): TLSSocket | null;
}

interface Parked {
  readonly key: string;
  readonly socket: TLSSocket;
  readonly answer: Buffer;
  readonly release: () => void;
}

const parkedForMs = 10_000;

export function keepUpgradedSockets(): UpgradedSockets {
  const parked = new Set<Parked>();
  return {
    park(requestHeaders, socket, answer, onLost) {
      const lose = (): void => {
        release();
        socket.destroy();
        onLost();
      };
      const timer = setTimeout(lose, parkedForMs).unref();
      const release = (): void => {
        clearTimeout(timer);
        socket.off('close', lose);
        parked.delete(entry);
      };
      const entry: Parked = { key: keyOf(requestHeaders.flat()), socket, answer, release };
      socket.once('close', lose);
      parked.add(entry);
    },
    take(options) {
      // mockttp gives a request's headers as one flat list, and Node passes on all options of a request.
      const { headers } = options as { readonly headers?: unknown };
      if (!Array.isArray(headers)) return null;
      const key = keyOf(headers.map(String));
      for (const entry of parked) {
        if (entry.key !== key) continue;
        entry.release();
        swallowRequest(entry.socket, entry.answer);
        return entry.socket;
      }
      return null;
    },
  };
}

const keyOf = (headers: readonly string[]): string => headers.join('\n');

/** The head of a request that was sent already goes nowhere; the answer is then there to be read. */
function swallowRequest(socket: TLSSocket, answer: Buffer): void {
  let written = '';
  const swallow = (chunk: string | Uint8Array, ...more: unknown[]): boolean => {
    written += typeof chunk === 'string' ? chunk : Buffer.from(chunk).toString('latin1');
    const done = more.find((argument) => typeof argument === 'function') as (() => void) | undefined;
    if (done !== undefined) process.nextTick(done);
    if (written.includes('\r\n\r\n')) {
      delete (socket as { write?: unknown }).write;
      socket.unshift(answer);
      socket.resume();
    }
    return true;
  };
  socket.write = swallow;
}
