// A terminal for programs that need one: a private tmux server for each, with nothing of the developer's own configuration.
import { execFile } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { promisify } from 'node:util';

const execute = promisify(execFile);

export interface TerminalOptions {
  /** The whole environment; TERM is tmux's own. */
  readonly env: Readonly<Record<string, string>>;
  readonly cwd: string;
  readonly columns?: number;
  readonly rows?: number;
}

export interface Terminal {
  /** Of the program that was started. */
  readonly pid: number;
  /** tmux key names (`Enter`, `Escape`, `C-c`, `Down`), each pressed once. */
  press(...keys: readonly string[]): Promise<void>;
  /** Characters exactly as they are, one by one at a typist's pace: Codex takes what comes faster for a paste, and an Enter after it for a part of it. */
  type(text: string): Promise<void>;
  /** What is on the screen now, lines joined by newlines. */
  screen(): Promise<string>;
  /** Settles with the screen as soon as it matches; tmux can only be asked, so this asks every 30 ms. */
  waitForScreen(pattern: RegExp | string, timeoutMs?: number): Promise<string>;
  /** All that was ever written to the terminal, escape sequences and all: what a screen showed only for a moment is in it too. */
  written(): string;
  resize(columns: number, rows: number): Promise<void>;
  /** Closes the terminal over the program's head, as when a window is closed: whether that ends it is the program's own affair. */
  hangUp(): Promise<void>;
  waitForExit(timeoutMs?: number): Promise<{ readonly exitCode: number | null; readonly signal: number | null }>;
  /** Ends the program (SIGTERM, after 5 s SIGKILL) and the server, once. */
  close(): Promise<void>;
}

export async function openTerminal(
  command: string,
  args: readonly string[],
  options: TerminalOptions,
): Promise<Terminal> {
  const { env, cwd, columns = 120, rows = 40 } = options;
  const folder = mkdtempSync(join(tmpdir(), 'tapes-tmux-'));
  const tmux = async (...words: readonly string[]): Promise<string> => {
    const all = ['-L', 'tapes', '-f', '/dev/null', ...words];
    return (await execute('tmux', all, { env: { ...env, TMUX_TMPDIR: folder }, cwd })).stdout;
  };
  const ask = async (format: string): Promise<string> => (await tmux('display-message', '-p', format)).trim();
  // The screen stays when the program ends. `env` in front, as tmux gives a lone word to a shell.
  const started = [
    'new-session',
    '-d',
    '-x',
    String(columns),
    '-y',
    String(rows),
    '-c',
    cwd,
    'env',
    ...[command, ...args].map(literal),
  ];
  const log = join(folder, 'written');
  writeFileSync(log, '');
  // One queue of commands: the log stands before the first byte of the program is read.
  const keepLog = ['pipe-pane', `exec cat >> '${log}'`];
  await tmux('start-server', ';', 'set-option', '-g', 'remain-on-exit', 'on', ';', ...started, ';', ...keepLog);

  const screen = (): Promise<string> => tmux('capture-pane', '-p');
  const until = async <T>(look: () => Promise<T | null>, timeoutMs: number, what: string): Promise<T> => {
    const deadline = performance.now() + timeoutMs;
    while (true) {
      const found = await look();
      if (found !== null) return found;
      if (performance.now() > deadline) {
        throw new Error(`the terminal waited ${timeoutMs} ms in vain for ${what}; its screen:\n${await screen()}`);
      }
      await pause(30);
    }
  };
  const waitForExit: Terminal['waitForExit'] = (timeoutMs = 15_000) => {
    const look = async () => {
      const [isDead, status, signal] = (await ask('#{pane_dead},#{pane_dead_status},#{pane_dead_signal}')).split(',');
      const end = { exitCode: numberOrNull(status), signal: numberOrNull(signal) };
      if (isDead !== '1') return null;
      if (end.exitCode !== null || end.signal !== null) return end;
      // A pane is dead as soon as its terminal is closed. tmux 3.3 at times misses the signal that tells it how the program
      // ended, and never asks: tell it again.
      process.kill(serverPid, 'SIGCHLD');
      return null;
    };
    return until(look, timeoutMs, 'the end of the program');
  };
  const [pid, serverPid] = (await ask('#{pane_pid},#{pid}')).split(',').map(Number) as [number, number];
  let isGone = false;
  return {
    pid,
    press: async (...keys) => void (await tmux('send-keys', ...keys)),
    type: async (text) => {
      for (const character of text) {
        await tmux('send-keys', '-l', '--', literal(character));
        await pause(20);
      }
    },
    screen,
    waitForScreen: (pattern, timeoutMs = 15_000) => {
      const matches = (shown: string): boolean =>
        typeof pattern === 'string' ? shown.includes(pattern) : shown.search(pattern) >= 0;
      const look = async (): Promise<string | null> => {
        const shown = await screen();
        return matches(shown) ? shown : null;
      };
      return until(look, timeoutMs, String(pattern));
    },
    written: () => readFileSync(log, 'utf8'),
    resize: async (width, height) => void (await tmux('resize-window', '-x', String(width), '-y', String(height))),
    hangUp: async () => {
      isGone = true;
      await tmux('kill-session');
    },
    waitForExit,
    close: async () => {
      if (isGone) return rmSync(folder, { recursive: true, force: true });
      isGone = true;
      // The program first, while there is a server to say that it has ended: what it writes on its way out is then written.
      if ((await ask('#{pane_dead}')) === '0') killIfThere(pid, 'SIGTERM');
      await waitForExit(5_000).catch(() => killIfThere(pid, 'SIGKILL'));
      await tmux('kill-server');
      rmSync(folder, { recursive: true, force: true });
    },
  };
}

/** tmux takes a semicolon at the end of a word for the end of a command. */
function literal(word: string): string {
  return word.replace(/;$/, '\\;');
}

function killIfThere(pid: number, signal: NodeJS.Signals): void {
  try {
    process.kill(pid, signal);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ESRCH') throw error;
  }
}

function numberOrNull(value: string | undefined): number | null {
  return value === undefined || value === '' ? null : Number(value);
}
