// The terminal for TUI tests, tried with a shell.
import { tmpdir } from 'node:os';
import { afterEach, expect, test } from 'vitest';
import { openTerminal, type Terminal } from './tmux.ts';

const env = { PATH: process.env['PATH'] ?? '', LANG: 'C.UTF-8', GREETING: 'grüezi' };
let terminal: Terminal | undefined;

afterEach(async () => {
  await terminal?.close();
  terminal = undefined;
});

test('a program gets the environment, a terminal of the given size, and what is typed', async () => {
  const script = 'stty size; echo "$GREETING"; read line; echo "got $line"; exit 3;';
  terminal = await openTerminal('sh', ['-c', script], { env, cwd: tmpdir(), columns: 77, rows: 11 });
  await terminal.waitForScreen('grüezi');
  expect(await terminal.screen()).toContain('11 77');
  await terminal.type('two words; and $more');
  await terminal.press('Enter');
  await terminal.waitForScreen(/^got two words; and \$more$/m);
  expect(await terminal.waitForExit()).toEqual({ exitCode: 3, signal: null });
});

test('Ctrl-C reaches the program as SIGINT', async () => {
  const script = 'trap "echo interrupted; exit 9" INT; echo ready; while :; do sleep 0.05; done';
  terminal = await openTerminal('sh', ['-c', script], { env, cwd: tmpdir() });
  await terminal.waitForScreen('ready');
  await terminal.press('C-c');
  await terminal.waitForScreen('interrupted');
  expect(await terminal.waitForExit()).toEqual({ exitCode: 9, signal: null });
});

test('a program that a signal ended is told of with the signal', async () => {
  terminal = await openTerminal('sh', ['-c', 'echo ready; exec sleep 60'], { env, cwd: tmpdir() });
  await terminal.waitForScreen('ready');
  process.kill(terminal.pid, 'SIGTERM');
  expect(await terminal.waitForExit()).toEqual({ exitCode: null, signal: 15 });
});

test('a wait that ends in vain says what is on the screen', async () => {
  terminal = await openTerminal('sh', ['-c', 'echo something else; read line'], { env, cwd: tmpdir() });
  await terminal.waitForScreen('something else');
  await expect(terminal.waitForScreen('never', 100)).rejects.toThrow(/in vain for never; its screen:\nsomething else/);
});
