// One large body, down or up.
import { once } from 'node:events';

import { randomJsonText } from '../../../test/support/chunks.ts';
import { codexRequest, userMessage } from '../../../test/support/wire-script.ts';
import { post, smallPost } from '../requests.ts';
import { openTls, type Way } from '../way.ts';

export interface TransferJob {
  readonly type: 'transfer';
  readonly way: Way;
  readonly side: 'request' | 'response';
  readonly bytes: number;
}

export interface TransferAnswer {
  readonly receivedBytes: number;
  readonly wallMs: number;
}

export async function transfer({ way, side, bytes }: TransferJob): Promise<TransferAnswer> {
  const request = side === 'response' ? smallPost('session-large-answer') : largePost(bytes);
  const startedAt = performance.now();
  const socket = await openTls(way);
  let receivedBytes = 0;
  const response = await post(socket, request, side === 'response' ? { type: 'bulk', bytes } : { type: 'answer' });
  response.on('data', (chunk: Buffer) => (receivedBytes += chunk.length));
  await once(response, 'end');
  socket.destroy();
  if (side === 'response' && receivedBytes < bytes) throw new Error(`${receivedBytes} of ${bytes} bytes came`);
  return { receivedBytes, wallMs: performance.now() - startedAt };
}

/** A conversation of many items, as JSON and not packed. */
function largePost(bytes: number): { session: string; body: Uint8Array; isZstd: boolean } {
  const session = 'session-large-request';
  const texts = Array.from({ length: 64 }, (_, seed) => randomJsonText(seed, 16_000));
  const input = Array.from({ length: Math.ceil(bytes / 17_000) }, (_, at) =>
    userMessage(`${at} ${texts[at % texts.length]}`, 'turn-1', `msg_${at}`),
  );
  return { session, body: Buffer.from(JSON.stringify(codexRequest({ session, input }).body)), isZstd: false };
}
