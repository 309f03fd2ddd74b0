// Running programs for tests, tried with a shell.
import { expect, test } from 'vitest';
import { run, start } from './run.ts';

const options = { env: { PATH: process.env['PATH'] ?? '' } };

test('a run tells what was said, the exit code, and how long it took', async () => {
  const result = await run('sh', ['-c', 'cat; echo no >&2; exit 4'], { ...options, input: 'grüezi' });
  expect(result).toMatchObject({ stdout: 'grüezi', stderr: 'no\n', exitCode: 4, signal: null, timedOut: false });
  expect(result.durationMs).toBeGreaterThan(0);
});

test('a program gets the given environment and no other', async () => {
  const result = await run('sh', ['-c', 'echo "$ONE,$HOME"'], { ...options, env: { ...options.env, ONE: '1' } });
  expect(result.stdout).toBe('1,\n');
});

test('on timeout the program ends, and what it started', async () => {
  // The inner shell holds stdout open: without its end the run would not end either.
  const result = await run('sh', ['-c', 'sh -c "sleep 60; echo late"; echo later'], { ...options, timeoutMs: 100 });
  expect(result).toMatchObject({ stdout: '', exitCode: null, signal: 'SIGKILL', timedOut: true });
  expect(result.durationMs).toBeLessThan(10_000);
});

test('a signal goes to the program alone', async () => {
  const running = start(
    'sh',
    ['-c', 'trap "echo got it; exit 5" INT; echo ready; while :; do sleep 0.05; done'],
    options,
  );
  await running.said('ready');
  running.kill('SIGINT');
  expect(await running.ended).toMatchObject({ stdout: 'ready\ngot it\n', exitCode: 5 });
});

test('a program that does not exist is an error', async () => {
  await expect(run('tapes-no-such-program', [], options)).rejects.toThrow('ENOENT');
});
