// New TLS connections as fast as they can be had, a few at a time, each with one small request: both of a proxy's handshakes are done.
import { once } from 'node:events';

import { host, openTls, type Way } from '../way.ts';

export interface ConnectionsJob {
  readonly type: 'connections';
  readonly way: Way;
  readonly atOnce: number;
  readonly warmUpMs: number;
  readonly measureMs: number;
}

export interface ConnectionsAnswer {
  readonly connectionsPerSecond: number;
}

export async function openConnections({
  way,
  atOnce,
  warmUpMs,
  measureMs,
}: ConnectionsJob): Promise<ConnectionsAnswer> {
  const begunAt = performance.now() + warmUpMs;
  let done = 0;
  await Promise.all(
    Array.from({ length: atOnce }, async () => {
      while (performance.now() < begunAt + measureMs) {
        await openOne(way);
        if (performance.now() >= begunAt) done += 1;
      }
    }),
  );
  return { connectionsPerSecond: (done / (performance.now() - begunAt)) * 1000 };
}

async function openOne(way: Way): Promise<void> {
  const socket = await openTls(way);
  socket.write(`GET /backend-api/bench HTTP/1.1\r\nHost: ${host}\r\n\r\n`);
  // An error of the socket leads to its end, too.
  const [head] = (await Promise.race([once(socket, 'data'), once(socket, 'close')])) as [Buffer | boolean];
  socket.destroy();
  if (typeof head === 'boolean' || !head.includes(' 200 ')) throw new Error('a new connection got no answer');
}
