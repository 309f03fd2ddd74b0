// HTTP/2 that means harm, through the whole product, recorder and all: it passes, what tapes takes of memory is bounded, and the run ends well.
import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import { createServer } from 'node:tls';
import { expect, it } from 'vitest';

import { makeLeaf, readTestRoot } from '../support/certificates.ts';
import { frame, headers, kinds, preface, reset, settings } from '../support/http2-frames.ts';
import { runTapes } from '../support/tapes.ts';
import { startWaitingTapes } from './waiting-tapes.ts';

const request = {
  ':method': 'POST',
  ':scheme': 'https',
  ':authority': 'chatgpt.com',
  ':path': '/backend-api/codex/responses',
};
const many = (count: number, make: (nth: number) => readonly Buffer[]): Buffer =>
  Buffer.concat(Array.from({ length: count }, (_, nth) => make(nth)).flat());
const id = (nth: number): number => 2 * nth + 1;

const floods: [name: string, bytes: () => Buffer, boundMegabytes: number][] = [
  [
    '10,000 requests, each reset at once',
    () => many(10_000, (at) => [headers(id(at), request), reset(id(at), 8)]),
    350,
  ],
  ['12,000 requests that stay open', () => many(12_000, (at) => [headers(id(at), request)]), 350],
  [
    'a request in 500,000 frames of one byte',
    () => Buffer.concat([headers(1, request), many(500_000, () => [frame(kinds.data, 1, Buffer.of(32))])]),
    350,
  ],
  [
    'a header of 64 MB without an end',
    () =>
      Buffer.concat([frame(kinds.headers, 1), many(4_000, () => [frame(kinds.continuation, 1, Buffer.alloc(16_000))])]),
    350,
  ],
];

// Peak memory is read from /proc.
it.skipIf(process.platform !== 'linux').each(floods)('%s', { timeout: 180_000 }, async (_, bytes, boundMegabytes) => {
  let received = 0;
  const server = createServer({ ...makeLeaf(readTestRoot(), ['chatgpt.com']), ALPNProtocols: ['h2'] }, (socket) => {
    socket.on('error', () => undefined);
    socket.on('data', (chunk: Buffer) => (received += chunk.length));
    socket.write(settings());
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const waiting = await startWaitingTapes((server.address() as AddressInfo).port);
  try {
    const socket = await waiting.connect('h2');
    socket.on('error', () => undefined).resume();
    const all = Buffer.concat([preface, settings(), bytes()]);
    socket.write(all);
    await expect.poll(() => received, { timeout: 60_000 }).toBe(all.length);
    socket.destroy();
    const { exitCode, stderr } = await waiting.end();
    expect(exitCode, `says ${stderr}`).toBe(0);
    expect(waiting.peakBytes() / 2 ** 20).toBeLessThan(boundMegabytes);
    const verified = await runTapes(waiting.tapes, ['verify']);
    expect(verified.exitCode, `says ${verified.stdout}`).toBe(0);
  } finally {
    await waiting.close();
    server.close();
  }
});
