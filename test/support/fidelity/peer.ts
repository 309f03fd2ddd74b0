// One end of a connection, for scripts that speak in bytes: writes what it is told, keeps all that it gets, and knows how the other
// side ended it. It understands nothing of HTTP.
import type { Duplex } from 'node:stream';

/** `open`: neither ended nor failed. Otherwise `end` (FIN), or the code of the error. */
export type Ending = 'open' | 'end' | (string & {});

export interface Peer {
  /** Everything received, a byte a character. */
  received(): string;
  ending(): Ending;
  /** Waits until what came since the last `until` holds this text, or has this many bytes. Rejects where the connection ends before. */
  until(what: string | number): Promise<void>;
  /** Waits until the other side has ended the connection; `open` where it has not within `withinMs`. */
  ended(withinMs?: number): Promise<Ending>;
  write(text: string | Buffer): Promise<void>;
  /** Ends this side's half; the other goes on. */
  end(): void;
  destroy(): void;
  /** Ends the connection with a TCP reset. */
  reset(): void;
  /** Stops and goes on reading. */
  pause(): void;
  resume(): void;
}

const patienceMs = 8_000;

/** `reset`: what resets the TCP connection below. */
export function peerOn(stream: Duplex, reset: () => void): Peer {
  const chunks: Buffer[] = [];
  let seen = 0;
  let ending: Ending = 'open';
  const waiting = new Set<() => void>();
  const changed = (): void => {
    for (const look of waiting) look();
  };
  const closed = (how: Ending): void => {
    if (ending === 'open') ending = how;
    changed();
  };
  const received = (): string => {
    const whole = Buffer.concat(chunks);
    chunks.splice(0, chunks.length, whole);
    return whole.toString('latin1');
  };
  stream.on('data', (chunk: Buffer) => {
    chunks.push(chunk);
    changed();
  });
  stream.on('end', () => closed('end'));
  stream.on('error', (error: NodeJS.ErrnoException) => closed(error.code ?? error.message));
  stream.on('close', () => closed('end'));
  const waitFor = (isDone: () => boolean, withinMs: number): Promise<boolean> =>
    new Promise((resolve) => {
      const finish = (done: boolean): void => {
        waiting.delete(look);
        clearTimeout(timer);
        resolve(done);
      };
      const look = (): void => {
        if (isDone()) finish(true);
      };
      const timer = setTimeout(() => finish(false), withinMs);
      waiting.add(look);
      look();
    });
  return {
    received,
    ending: () => ending,
    async until(what) {
      const at = (): number => {
        const text = received();
        if (typeof what === 'number') return text.length >= seen + what ? seen + what : -1;
        const found = text.indexOf(what, seen);
        return found === -1 ? -1 : found + what.length;
      };
      await waitFor(() => at() !== -1 || ending !== 'open', patienceMs);
      if (at() === -1) {
        throw new Error(`waited for ${JSON.stringify(what)}; ${ending}, got ${JSON.stringify(received().slice(-300))}`);
      }
      seen = at();
    },
    async ended(withinMs = patienceMs) {
      await waitFor(() => ending !== 'open', withinMs);
      return ending;
    },
    write: (text) =>
      new Promise((resolve) => {
        stream.write(typeof text === 'string' ? Buffer.from(text, 'latin1') : text, () => resolve());
      }),
    end: () => void stream.end(),
    destroy() {
      closed('ended here');
      stream.destroy();
    },
    reset() {
      closed('reset here');
      reset();
    },
    pause: () => void stream.pause(),
    resume: () => void stream.resume(),
  };
}
