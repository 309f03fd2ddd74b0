// Model calls, one after another on each of a few connections: a request of 70 kB under zstd, and an answer of 20 events at once.
import { once } from 'node:events';

import { conversationPost, post } from '../requests.ts';
import { nowMs, openTls, type Way } from '../way.ts';

export interface CallsJob {
  readonly type: 'calls';
  readonly way: Way;
  readonly calls: number;
  readonly connections: number;
}

export interface CallsAnswer {
  /** From sending a request to the first byte of its answer's body. */
  readonly firstByteMs: readonly number[];
}

let conversations = 0;

export async function makeCalls({ way, calls, connections }: CallsJob): Promise<CallsAnswer> {
  const firstByteMs: number[] = [];
  let left = calls;
  await Promise.all(
    Array.from({ length: connections }, async () => {
      conversations += 1;
      const session = `conversation-${process.pid}-${conversations}`;
      const socket = await openTls(way);
      for (let call = 0; left > 0; call++) {
        left -= 1;
        const request = await conversationPost(session, call);
        const sentAt = nowMs();
        const response = await post(socket, request, { type: 'answer' });
        await once(response, 'data');
        firstByteMs.push(nowMs() - sentAt);
        if (!response.readableEnded) await once(response, 'end');
      }
      socket.destroy();
    }),
  );
  return { firstByteMs };
}
