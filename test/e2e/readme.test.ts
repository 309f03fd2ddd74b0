// What README tells a new user to type.
import { resolve } from 'node:path';
import { expect, it } from 'vitest';
import { run } from '../support/run.ts';

it('the demo records the real Codex and shows the turn', async () => {
  const tsx = resolve(import.meta.dirname, '../../node_modules/.bin/tsx');
  const demo = await run(process.execPath, [tsx, resolve(import.meta.dirname, '../support/demo.ts')], {
    env: { PATH: process.env['PATH'] ?? '', NO_COLOR: '1' },
    timeoutMs: 55_000,
  });
  expect(demo.exitCode).toBe(0);
  expect(demo.stdout + demo.stderr).toMatch(
    /tapes: recorded 2 calls in 1 turn of session [0-9a-f-]+…, 18\.4k tokens · tapes show/,
  );
  for (const words of [
    '› Which version of git is installed here?',
    '● exec',
    'git --version',
    'is installed.',
    '18.2k in (17.9k cached), 46 out',
  ]) {
    expect(demo.stdout).toContain(words);
  }
});
