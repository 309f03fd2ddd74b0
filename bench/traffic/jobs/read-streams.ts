// Many streams at once, each on a connection of its own: when was each event sent, and how much later was it read?
import { once } from 'node:events';

import { SentTimes } from '../sent-times.ts';
import { conversationPost, post, smallPost } from '../requests.ts';
import { nowMs, openTls, type Way } from '../way.ts';

export interface StreamsJob {
  readonly type: 'streams';
  readonly way: Way;
  readonly streams: number;
  readonly everyMs: number;
  readonly events: number;
  /** Requests of 70 kB under zstd; else small ones. */
  readonly isLarge: boolean;
}

export interface StreamsAnswer {
  /** From the first connection until every stream has had its first event. */
  readonly startMs: number;
  /** Of the events that were sent after that. */
  readonly delaysMs: readonly number[];
  /** Of all events. */
  readonly allDelaysMs: readonly number[];
  readonly lost: number;
  readonly errors: readonly string[];
}

export async function readStreams({ way, streams, everyMs, events, isLarge }: StreamsJob): Promise<StreamsAnswer> {
  const posts = await Promise.all(
    Array.from({ length: streams }, async (_, at) => {
      const session = `agent-${Math.round(nowMs())}-${at}`;
      return isLarge ? conversationPost(session, 0) : smallPost(session);
    }),
  );
  const startedAt = nowMs();
  const seen: { readonly sentAt: number; readonly delayMs: number }[] = [];
  let lastFirstAt = 0;
  const errors: string[] = [];
  const readOne = async (at: number): Promise<void> => {
    const socket = await openTls(way);
    try {
      const response = await post(socket, posts[at]!, { type: 'stream', everyMs, events });
      const times = new SentTimes();
      let count = 0;
      response.on('data', (chunk: Buffer) => {
        const now = nowMs();
        for (const sentAt of times.push(chunk)) {
          if (count === 0) lastFirstAt = Math.max(lastFirstAt, now);
          count += 1;
          seen.push({ sentAt, delayMs: now - sentAt });
        }
      });
      await once(response, 'end');
      if (!times.isCompleted) throw new Error('a stream ended before its last event');
    } finally {
      socket.destroy();
    }
  };
  await Promise.all(
    posts.map((_, at) => readOne(at).catch((error: unknown) => void errors.push((error as Error).message))),
  );
  return {
    startMs: lastFirstAt - startedAt,
    delaysMs: seen.filter(({ sentAt }) => sentAt > lastFirstAt).map(({ delayMs }) => delayMs),
    allDelaysMs: seen.map(({ delayMs }) => delayMs),
    lost: streams * events - seen.length,
    errors: [...new Set(errors)],
  };
}
