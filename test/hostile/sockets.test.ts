// WebSockets that mean harm, through the whole product: every byte passes, memory is bounded, and what is not recorded is told at the end of the run.
import { describe, expect, it } from 'vitest';

import { hostileSockets } from './socket-inputs.ts';
import { openSocketScene } from './socket-scene.ts';

// Peak memory is read from /proc.
describe.skipIf(process.platform !== 'linux')('a WebSocket through a run of tapes', () => {
  it.each(hostileSockets(2).map((input) => [input.from, input.name, input.boundMegabytes, input] as const))(
    'from %s, %s: within %i MB',
    { timeout: 120_000 },
    async (_, __, bound, input) => {
      const scene = await openSocketScene();
      try {
        const { said, got } = await scene.pass(input);
        expect(got).toBe(said);
        const { exitCode, stderr } = await scene.end();
        expect(exitCode, `says ${stderr}`).toBe(0);
        if (input.says === null) expect(stderr).not.toContain('not recorded');
        else expect(stderr).toMatch(input.says);
        expect(scene.peakBytes() / 2 ** 20).toBeLessThan(bound);
      } finally {
        await scene.close();
      }
    },
  );
});
