// Events as fast as the way lets them through: a stream's next event is sent when its last one was read, so that each is a chunk of its own
// and the slowest of the three programs sets the pace.
import { once } from 'node:events';
import { connect } from 'node:net';

import { SentTimes } from '../sent-times.ts';
import { post, smallPost } from '../requests.ts';
import { openTls, type Way } from '../way.ts';

export interface SaturateJob {
  readonly type: 'saturate';
  readonly way: Way;
  readonly sidePort: number;
  readonly streams: number;
  readonly warmUpMs: number;
  readonly measureMs: number;
}

export interface SaturateAnswer {
  readonly eventsPerSecond: number;
}

export async function saturate(job: SaturateJob): Promise<SaturateAnswer> {
  const side = connect({ host: '127.0.0.1', port: job.sidePort, noDelay: true });
  await once(side, 'connect');
  let events = 0;
  let isOver = false;
  let due: number[] = [];
  const tell = (): void => {
    const message = Buffer.alloc(due.length * 2);
    for (const [at, stream] of due.entries()) message.writeUInt16LE(stream, at * 2);
    due = [];
    if (!isOver) side.write(message);
  };
  const sockets = await Promise.all(Array.from({ length: job.streams }, () => openTls(job.way)));
  try {
    await Promise.all(
      sockets.map(async (socket, stream) => {
        const response = await post(socket, smallPost(`echo-${stream}`), { type: 'echo', stream });
        response.on('error', () => undefined);
        const times = new SentTimes();
        response.on('data', (chunk: Buffer) => {
          const count = times.push(chunk).length;
          events += count;
          if (count > 0 && due.push(stream) === 1) setImmediate(tell);
        });
      }),
    );
    await new Promise((resolve) => setTimeout(resolve, job.warmUpMs));
    const [before, begunAt] = [events, performance.now()];
    await new Promise((resolve) => setTimeout(resolve, job.measureMs));
    return { eventsPerSecond: ((events - before) / (performance.now() - begunAt)) * 1000 };
  } finally {
    isOver = true;
    for (const socket of sockets) socket.destroy();
    side.destroy();
  }
}
