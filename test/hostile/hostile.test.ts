// Bytes that mean harm, through the whole product: they pass as they would without it, the recording says what it made of them, and the
// memory that they can make tapes take is bounded. `npm run hostile` prints what each of them took.
import { join } from 'node:path';

import { afterAll, beforeAll, describe, expect, it } from 'vitest';

import { runTapes } from '../support/tapes.ts';
import { hostileInputs } from './inputs.ts';
import { openHostileScene } from './scene.ts';
import type { HostileScene } from './scene.ts';

// Peak memory is read from /proc.
describe.skipIf(process.platform !== 'linux')('through one run of tapes', () => {
  let scene: HostileScene;
  beforeAll(async () => {
    scene = await openHostileScene();
  });
  afterAll(() => scene.close());

  // The bounds rise with the order: peaks are those of the process, and none is ever taken back.
  const inputs = hostileInputs(1).sort((a, b) => a.boundMegabytes - b.boundMegabytes);
  it.each(inputs.map((input) => [input.name, input.boundMegabytes, input] as const))(
    '%s: within %i MB',
    async (_, bound, input) => {
      const { status, answer, request, sent, call } = await scene.pass(input);
      expect(status).toBe(200);
      expect(answer).toMatchObject(sent);
      for (const [name, value] of input.request.headers) expect(valuesOf(request.rawHeaders, name)).toContain(value);
      for (const [name, value] of input.answer().headers) expect(valuesOf(answer.rawHeaders, name)).toContain(value);
      expect(call.status).toBe(input.status);
      expect(call.request).toMatchObject({ wire_bytes: request.bytes, wire_sha256: request.sha256 });
      expectProblem(call.request?.problem ?? null, input.says.request);
      expect(call.response?.wire_bytes).toBe(answer.bytes);
      expect([answer.sha256, null]).toContain(call.response?.wire_sha256);
      expectProblem(call.response?.problem ?? null, input.says.response);
      expect(scene.peakBytes() / 2 ** 20).toBeLessThan(bound);
    },
  );

  it('leaves a recording that holds together', { timeout: 180_000 }, async () => {
    const { exitCode, stderr } = await scene.end();
    expect(exitCode, `says ${stderr}`).toBe(0);
    const verified = await runTapes(scene.tapes, ['verify']);
    expect(verified.exitCode, `says ${verified.stdout}`).toBe(0);
    const commands = [
      ['sessions'],
      ['stats'],
      ['runs'],
      ['show', 'last'],
      ['context', 'last'],
      ['dump', 'last', '-o', join(scene.tapes.dir, 'a.txt')],
    ];
    for (const command of commands) {
      const { exitCode: code, stderr: said } = await runTapes(scene.tapes, command, { timeoutMs: 120_000 });
      expect(code, `says ${said}`).toBe(0);
    }
  });
});

const valuesOf = (rawHeaders: readonly string[], name: string): string[] =>
  rawHeaders.filter((_, at) => at % 2 === 1 && rawHeaders[at - 1]!.toLowerCase() === name.toLowerCase());

function expectProblem(problem: string | null, says: RegExp | null): void {
  if (says === null) expect(problem).toBeNull();
  // A flood that was recorded in time has no problem to tell of.
  else expect(problem ?? '').toMatch(says);
}
