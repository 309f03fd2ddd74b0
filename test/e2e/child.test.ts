// Any program under `tapes intercept`: exit codes, streams, signals and the terminal are as without tapes.
import { randomBytes } from 'node:crypto';
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

import { afterEach, describe, expect, it } from 'vitest';

import { findProcesses } from '../support/processes.ts';
import { run, start, type Running, type RunResult } from '../support/run.ts';
import { makeTapesHome, readRuns, runTapes, tapesBin, type TapesHome } from '../support/tapes.ts';
import { openTerminal, type Terminal } from '../support/tmux.ts';

const closing: (() => unknown)[] = [];
afterEach(async () => {
  for (const close of closing.splice(0).reverse()) await close();
});

interface Place {
  readonly tapes: TapesHome;
  /** A working folder. */
  readonly cwd: string;
  readonly env: Readonly<Record<string, string>>;
}

function set(): Place {
  const tapes = makeTapesHome();
  closing.push(tapes.remove);
  const cwd = join(tapes.dir, 'work');
  mkdirSync(cwd);
  const env = { PATH: process.env['PATH'] ?? '', HOME: cwd, TAPES_HOME: tapes.dir, LANG: 'C.UTF-8', NO_COLOR: '1' };
  return { tapes, cwd, env };
}

const under = (...argv: readonly string[]): string[] => [tapesBin, 'intercept', '--', ...argv];

function intercept({ cwd, env }: Place, ...argv: readonly string[]): Promise<RunResult> {
  return run(process.execPath, under(...argv), { cwd, env });
}

describe('the exit code', () => {
  it.each([
    ['exit 0', 0, null],
    ['exit 3', 3, null],
    ['exit 255', 255, null],
    ['kill -INT $$', 130, 'SIGINT'],
    ['kill -KILL $$', 137, 'SIGKILL'],
    ['kill -TERM $$', 143, 'SIGTERM'],
  ] as const)('of `%s` is %i', async (script, exitCode, signal) => {
    const place = set();
    expect((await intercept(place, 'sh', '-c', script)).exitCode).toBe(exitCode);
    expect(await readRuns(place.tapes)).toMatchObject([{ status: 'ended', exitCode, signal }]);
  });
});

describe('the streams', () => {
  it('carry bytes as they are, through pipes', async () => {
    const place = set();
    const bytes = randomBytes(1024 * 1024);
    writeFileSync(join(place.cwd, 'in'), bytes);
    const pipe = ['-c', 'cat in | "$@" | cat >out', 'sh', process.execPath, ...under('cat')];
    await run('sh', pipe, { cwd: place.cwd, env: place.env });
    expect(readFileSync(join(place.cwd, 'out')).equals(bytes)).toBe(true);
  });

  it('are not mixed, and what is ours is on stderr alone', async () => {
    const place = set();
    const { stdout, stderr } = await intercept(place, 'sh', '-c', 'echo data; echo talk >&2');
    expect(stdout).toBe('data\n');
    expect(stderr).toMatch(/^talk\n(tapes: .*\n)*$/);
  });

  it('of a program that says nothing stay empty on stdout, and on stderr too with --quiet', async () => {
    const place = set();
    expect((await intercept(place, 'true')).stdout).toBe('');
    expect(await runTapes(place.tapes, ['intercept', '--quiet', '--', 'true'])).toMatchObject({
      stdout: '',
      stderr: '',
      exitCode: 0,
    });
  });
});

describe('a grandchild', () => {
  it('that stays behind, with the streams in its hands, does not hold tapes up', async () => {
    const place = set();
    // The streams are files, so that only tapes itself is waited for.
    const script = [
      '-c',
      '"$@" >out 2>err',
      'sh',
      process.execPath,
      ...under('sh', '-c', 'sleep 60 & echo $!; exit 4'),
    ];
    const { exitCode, durationMs } = await run('sh', script, { cwd: place.cwd, env: place.env });
    const pid = Number(readFileSync(join(place.cwd, 'out'), 'utf8'));
    expect(process.kill(pid, 0)).toBe(true);
    process.kill(pid, 'SIGKILL');
    expect(exitCode).toBe(4);
    expect(durationMs).toBeLessThan(10_000);
  });
});

// Says each signal as it comes, and on SIGUSR2 how many of each it had. A shell would take two that are close together for one.
const counter = `
const counts = { SIGINT: 0, SIGHUP: 0, SIGTERM: 0, SIGQUIT: 0 };
for (const name of Object.keys(counts)) process.on(name, () => console.log(name, ++counts[name]));
process.on('SIGUSR2', () => { console.log('had', JSON.stringify(counts)); process.exit(7); });
setInterval(() => {}, 60_000);
console.log('ready');
`;

const none = { SIGINT: 0, SIGHUP: 0, SIGTERM: 0, SIGQUIT: 0 };

describe('a signal', () => {
  const startCounter = async (place: Place): Promise<Running> => {
    const running = start(process.execPath, under(process.execPath, '-e', counter), { cwd: place.cwd, env: place.env });
    await running.said('ready');
    return running;
  };
  // What tapes passes on leaves it in the order in which it came, so whatever came before SIGUSR2 is counted when that is there.
  const countOf = async (running: Running): Promise<unknown> => {
    running.kill('SIGUSR2');
    const { stdout, exitCode } = await running.ended;
    expect(exitCode).toBe(7);
    return JSON.parse(/^had (.*)$/m.exec(stdout)![1]!);
  };

  it.each(['SIGINT', 'SIGHUP', 'SIGTERM', 'SIGQUIT'] as const)(
    '%s to tapes alone reaches the child, once',
    async (name) => {
      const running = await startCounter(set());
      running.kill(name);
      await running.said(`${name} 1`);
      expect(await countOf(running)).toEqual({ ...none, [name]: 1 });
    },
  );

  it.each(['SIGINT', 'SIGHUP', 'SIGTERM', 'SIGQUIT'] as const)(
    '%s to the whole group reaches the child, once',
    async (name) => {
      const running = await startCounter(set());
      process.kill(-running.pid, name);
      await running.said(`${name} 1`);
      expect(await countOf(running)).toEqual({ ...none, [name]: 1 });
    },
  );

  it('now to all, now to tapes alone, is counted right', async () => {
    const running = await startCounter(set());
    process.kill(-running.pid, 'SIGINT');
    await running.said('SIGINT 1');
    process.kill(-running.pid, 'SIGINT');
    await running.said('SIGINT 2');
    running.kill('SIGTERM');
    await running.said('SIGTERM 1');
    expect(await countOf(running)).toEqual({ ...none, SIGINT: 2, SIGTERM: 1 });
  });
});

describe('on a terminal', () => {
  const open = async ({ cwd, env }: Place, command: string, args: readonly string[]): Promise<Terminal> => {
    const terminal = await openTerminal(command, args, { cwd, env: { ...env, PS1: 'shell> ' } });
    closing.push(terminal.close);
    return terminal;
  };

  it('Ctrl-C reaches the child once, and Ctrl-C again once more', async () => {
    const terminal = await open(set(), process.execPath, under(process.execPath, '-e', counter));
    await terminal.waitForScreen('ready');
    await terminal.press('C-c');
    await terminal.waitForScreen('SIGINT 1');
    await terminal.press('C-c');
    await terminal.waitForScreen('SIGINT 2');
    process.kill(terminal.pid, 'SIGUSR2');
    await terminal.waitForScreen(JSON.stringify({ ...none, SIGINT: 2 }));
    expect(await terminal.waitForExit()).toEqual({ exitCode: 7, signal: null });
  });

  it('Ctrl-Z gives the shell its prompt back, and fg goes on', async () => {
    const place = set();
    const script = join(place.cwd, 't');
    const line = `exec '${process.execPath}' '${tapesBin}' intercept --quiet -- "$@"`;
    writeFileSync(script, `#!/bin/sh\n${line}\n`, { mode: 0o755 });
    const shell = await open(place, 'sh', ['-i']);
    const lines = async (...words: readonly string[]): Promise<void> => {
      for (const word of words) {
        await shell.type(word);
        await shell.press('Enter');
      }
    };
    await shell.waitForScreen('shell>');
    await lines('./t cat', 'one');
    await shell.waitForScreen(/^one\s+one$/m);
    await shell.press('C-z');
    await shell.waitForScreen(/Stopped[^]*shell>\s*$/);
    await lines('echo at the prompt');
    await shell.waitForScreen(/^at the prompt$/m);
    await lines('fg');
    await shell.waitForScreen(/^shell> fg\s+\S/m);
    await lines('two');
    await shell.waitForScreen(/^two\s+two$/m);
    await shell.press('C-z');
    await shell.waitForScreen(/two\s[^]*Stopped[^]*shell>\s*$/);
    await lines('fg');
    await shell.waitForScreen(/fg[^]*fg\s+\S/);
    await lines('three');
    await shell.waitForScreen(/^three\s+three$/m);
    await shell.press('C-d');
    await shell.waitForScreen(/^three\s+three\s+shell>\s*$/m);
    await lines('echo ended with $?');
    await shell.waitForScreen(/^ended with 0$/m);
    await lines('exit');
    expect((await shell.waitForExit()).exitCode).toBe(0);
    expect(await readRuns(place.tapes)).toMatchObject([{ status: 'ended', exitCode: 0 }]);
  });

  it('a window size is the child’s, and so is its change', async () => {
    const watch = 'process.stdout.on("resize", say); say(); setInterval(() => {}, 60_000);';
    const say = 'const say = () => console.log("size", process.stdout.columns, process.stdout.rows);';
    const terminal = await open(set(), process.execPath, under(process.execPath, '-e', `${say} ${watch}`));
    await terminal.waitForScreen('size 120 40');
    await terminal.resize(83, 21);
    await terminal.waitForScreen('size 83 21');
    await terminal.resize(100, 50);
    await terminal.waitForScreen('size 100 50');
    await terminal.press('C-c');
    expect(await terminal.waitForExit()).toEqual({ exitCode: 130, signal: null });
  });

  it.each([
    ['ends in its own way', 'trap "echo HUP >>hups; exit 5" HUP; echo ready; sleep 60 & wait', 5, null],
    ['does not care', 'echo ready; sleep 60', 129, 'SIGHUP'],
  ] as const)(
    'that is closed: the child is told, and the run of one that %s is recorded as ended',
    async (_how, body, exitCode, signal) => {
      const place = set();
      const terminal = await open(place, process.execPath, under('sh', '-c', body));
      await terminal.waitForScreen('ready');
      await terminal.hangUp();
      await expect
        .poll(() => readRuns(place.tapes), { timeout: 15_000 })
        .toMatchObject([{ status: 'ended', exitCode, signal }]);
      const hups = join(place.cwd, 'hups');
      expect(existsSync(hups) ? readFileSync(hups, 'utf8') : null).toBe(signal === null ? 'HUP\n' : null);
      await expect.poll(() => findProcesses('TAPES_HOME', place.tapes.dir)).toEqual([]);
    },
  );

  it('that is closed: tapes ends by the same SIGHUP, and does not abort', async () => {
    const place = set();
    const close = [
      'import os, pty, sys',
      'pid, terminal = pty.fork()',
      'if pid == 0: os.execvp(sys.argv[1], sys.argv[1:])',
      'while b"ready" not in os.read(terminal, 1000): pass',
      'os.close(terminal)',
      'print(os.WTERMSIG(os.waitpid(pid, 0)[1]))',
    ].join('\n');
    const argv = ['-c', close, process.execPath, ...under('sh', '-c', 'echo ready; sleep 60')];
    expect(await run('python3', argv, { cwd: place.cwd, env: place.env })).toMatchObject({
      stdout: '1\n',
      exitCode: 0,
    });
    expect(await readRuns(place.tapes)).toMatchObject([{ status: 'ended', exitCode: 129, signal: 'SIGHUP' }]);
  });
});
