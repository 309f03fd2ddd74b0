// Starting programs and asking them, with real ones.
import { describe, expect, it } from 'vitest';

import { runChild } from './child.ts';
import { probeCommand } from './probe.ts';
import { spawnProgram, whenEnded } from './spawn-program.ts';

const env = { PATH: process.env['PATH'] ?? '' };
const script = (text: string): readonly string[] => ['-c', text];

describe('a program', () => {
  it('gets its name, arguments and environment, and nothing else', async () => {
    const { child } = spawnProgram({
      file: '/bin/sh',
      name: 'called-so',
      args: script('echo "$0 $ONE $HOME"; exit 7'),
      options: { env: { ONE: '1' }, stdio: ['ignore', 'pipe', 'ignore'] },
    });
    let said = '';
    child!.stdout!.on('data', (data: Buffer) => (said += String(data)));
    expect(await whenEnded(child!, 'close')).toEqual({ exitCode: 7, signal: null });
    expect(said).toBe('called-so 1 \n');
  });

  it.each([
    ['is missing', '/nowhere/at-all', [], 'ENOENT'],
    ['gets more arguments than the system takes', '/bin/true', ['x'.repeat(4_000_000)], 'E2BIG'],
  ])('that %s is a value, with its code', async (_what, file, args, code) => {
    const { child, error } = spawnProgram({ file, args, options: { env } });
    expect(child).toBeNull();
    expect(await error).toMatchObject({ code });
    const result = await runChild({ file, name: file, args, cwd: '/', environment: env });
    expect(result).toMatchObject({ exitCode: 126, signal: null, spawnError: { code } });
  });
});

describe('a question to a program', () => {
  it('is answered by its output, without the last newline, and its exit code', async () => {
    const answer = await probeCommand('/bin/sh', script('printf "one\\ntwo\\n"; echo no >&2; exit 3'), env);
    expect(answer).toEqual({ exitCode: 3, stdout: 'one\ntwo' });
  });

  it('ends in time, also where the program does not want to', async () => {
    const began = performance.now();
    const stubborn = script('trap "" TERM; echo here; while :; do sleep 0.1; done');
    expect(await probeCommand('/bin/sh', stubborn, env, 300)).toEqual({ exitCode: null, stdout: 'here' });
    expect(performance.now() - began).toBeLessThan(5_000);
  });

  it('ends when it is told to', async () => {
    const stop = new AbortController();
    const asking = probeCommand('/bin/sh', script('sleep 30'), env, 30_000, stop.signal);
    stop.abort();
    expect(await asking).toMatchObject({ exitCode: null });
  });

  it('to nobody is no failure', async () => {
    expect(await probeCommand('/nowhere/at-all', [], env)).toEqual({ exitCode: null, stdout: '' });
  });
});
