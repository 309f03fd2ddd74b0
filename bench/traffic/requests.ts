// Requests in the shape of Codex' own, made for the client of the benchmarks.
import type { IncomingMessage } from 'node:http';
import { request } from 'node:https';
import type { TLSSocket } from 'node:tls';

import { zstdCompress } from 'http-encoding';

import { randomJsonText } from '../../test/support/chunks.ts';
import { codexRequest, userMessage } from '../../test/support/wire-script.ts';
import { askHeader, type Ask } from './ask.ts';
import { callPath, host } from './way.ts';

export interface Post {
  readonly session: string;
  readonly body: Uint8Array;
  readonly isZstd: boolean;
}

export function smallPost(session: string): Post {
  return { session, body: Buffer.from(JSON.stringify(codexRequest({ session }).body)), isZstd: false };
}

const shared = userMessage(randomJsonText(1, 40_000), 'turn-0', 'msg_shared');
/** It grows from 11 to 30 items behind the shared one, then is compacted, and grows again. */
const [fewestItems, callsPerWindow] = [11, 20];

/**
 * The `call`th request of a conversation: 70 kB decoded under zstd, as the first of Codex 0.169 is, and on average. Each has all items of the one
 * before it and one more, as an agent's do, until a compaction; so the thousandth costs what the first does.
 */
export async function conversationPost(session: string, call: number): Promise<Post> {
  const place = call + callsPerWindow / 2 - 1;
  const [window, length] = [Math.floor(place / callsPerWindow), fewestItems + (place % callsPerWindow)];
  const recent = Array.from({ length }, (_, at) => {
    const number = window * 100 + at;
    return userMessage(randomJsonText(number, 850), `turn-${number}`, `msg_${session}_${number}`);
  });
  const { body } = codexRequest({ session, turn: `turn-${session}-${call}`, input: [shared, ...recent] });
  return { session, body: await zstdCompress(Buffer.from(JSON.stringify(body))), isZstd: true };
}

/** Sends it on this connection, which stays open; settles with the head of the answer. */
export function post(socket: TLSSocket, { session, body, isZstd }: Post, ask: Ask): Promise<IncomingMessage> {
  return new Promise((resolve, reject) => {
    const asked = request({ host, path: callPath, method: 'POST', createConnection: () => socket });
    for (const [name, value] of codexRequest({ session }).headers) asked.setHeader(name, value);
    if (isZstd) asked.setHeader('content-encoding', 'zstd');
    asked.setHeader(askHeader, JSON.stringify(ask));
    asked.setHeader('content-length', body.length);
    asked.setHeader('connection', 'keep-alive');
    asked.once('response', resolve);
    asked.on('error', reject);
    asked.end(body);
  });
}
