// Small requests one after another on one warm connection: how long until the first byte of each answer's body?
import { once } from 'node:events';

import { post, smallPost } from '../requests.ts';
import { nowMs, openTls, type Way } from '../way.ts';

export interface FirstByteJob {
  readonly type: 'firstByte';
  readonly way: Way;
  readonly warmUp: number;
  readonly requests: number;
}

export interface FirstByteAnswer {
  readonly timesMs: readonly number[];
}

export async function timeFirstByte({ way, warmUp, requests }: FirstByteJob): Promise<FirstByteAnswer> {
  const socket = await openTls(way);
  const timesMs: number[] = [];
  try {
    for (let request = 0; request < warmUp + requests; request++) {
      const sentAt = nowMs();
      const response = await post(socket, smallPost('session-first-byte'), { type: 'answer' });
      await once(response, 'data');
      if (request >= warmUp) timesMs.push(nowMs() - sentAt);
      if (!response.readableEnded) await once(response, 'end');
    }
  } finally {
    socket.destroy();
  }
  return { timesMs };
}
