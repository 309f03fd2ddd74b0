// Makes the first leaf certificate before anybody needs it (25 ms instead of 3 for the first handshake): one handshake in memory.
import { once } from 'node:events';
import { Duplex } from 'node:stream';
import { connect } from 'node:tls';

const timeoutMs = 2_000;

/** One handshake for `host` with whoever takes the other end. Settles in any case; a failure is met again, and told, at the first real one. */
export async function warmUp(host: string, ca: string, accept: (socket: Duplex) => void): Promise<void> {
  const [near, far] = memoryPair();
  accept(far);
  const secure = connect({ socket: near, servername: host, ca });
  secure.on('error', () => undefined);
  await once(secure, 'secureConnect', { signal: AbortSignal.timeout(timeoutMs) }).catch(() => undefined);
  secure.destroy();
  far.destroy();
}

/** Two streams, each of which reads what was written to the other. */
function memoryPair(): [Duplex, Duplex] {
  const pair: Duplex[] = [];
  const end = (other: number): Duplex =>
    new Duplex({
      read: () => undefined,
      write(chunk: Buffer, _encoding, done) {
        pair[other]!.push(chunk);
        done();
      },
      final(done) {
        pair[other]!.push(null);
        done();
      },
    });
  pair.push(end(1), end(0));
  return [pair[0]!, pair[1]!];
}
