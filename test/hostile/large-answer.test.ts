// An answer that comes faster than anybody could record it, through the whole product: nothing of it is lost, and it is never in memory whole.
import { afterAll, beforeAll, describe, expect, it } from 'vitest';

import type { HostileInput } from './inputs.ts';
import { openHostileScene } from './scene.ts';
import type { HostileScene } from './scene.ts';

const piece = Buffer.from(`: ${'and so on '.repeat(6_500)}\n\n`);
const completed =
  'event: response.completed\ndata: {"type":"response.completed","response":{"id":"resp_1","status":"completed","output":[]}}\n\n';

function* answerOf(bytes: number): Generator<Uint8Array> {
  for (let sent = 0; sent < bytes; sent += piece.length) yield piece;
  yield Buffer.from(completed);
}

const inputOf = (bytes: number): HostileInput => ({
  name: `an answer of ${bytes} bytes`,
  request: {
    headers: [['Content-Type', 'application/json']],
    chunks: () => [Buffer.from('{"model":"gpt-6.1-sol","stream":true,"input":[]}')],
  },
  answer: () => ({ headers: [['Content-Type', 'text/event-stream']], chunks: answerOf(bytes) }),
  says: { request: null, response: null },
  status: 'completed',
  boundMegabytes: 330,
});

// Peak memory is read from /proc.
describe.skipIf(process.platform !== 'linux')('a large answer', () => {
  let scene: HostileScene;
  beforeAll(async () => {
    scene = await openHostileScene();
  });
  afterAll(() => scene.close());

  it('is recorded whole, whatever speed it comes at', { timeout: 180_000 }, async () => {
    const input = inputOf(250_000_000);
    const { answer, sent, call } = await scene.pass(input);
    expect(answer).toMatchObject(sent);
    expect(call).toMatchObject({ status: 'completed', response: { wire_sha256: sent.sha256, problem: null } });
    expect(scene.peakBytes() / 2 ** 20).toBeLessThan(input.boundMegabytes);
    const { exitCode, stderr } = await scene.end();
    expect([exitCode, stderr]).toEqual([0, expect.not.stringContaining('not recorded')]);
  });
});
