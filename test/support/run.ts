// Runs a program to its end and tells how it went. On timeout it ends the program and what that started, and nothing else.
import { spawn } from 'node:child_process';
import { tmpdir } from 'node:os';

export interface RunOptions {
  /** The whole environment; nothing is taken from this process. */
  readonly env: Readonly<Record<string, string>>;
  /** Default: the temporary folder. */
  readonly cwd?: string;
  /** What the program reads on stdin; without it stdin is empty. */
  readonly input?: string;
  readonly timeoutMs?: number;
}

export interface RunResult {
  readonly stdout: string;
  readonly stderr: string;
  readonly exitCode: number | null;
  readonly signal: NodeJS.Signals | null;
  readonly durationMs: number;
  readonly timedOut: boolean;
}

export interface Running {
  readonly pid: number;
  /** Everything said so far. */
  readonly stdout: string;
  readonly stderr: string;
  /** To the program alone, as `kill PID` would. */
  kill(signal: NodeJS.Signals): void;
  /** Settles when stdout (or stderr) holds this text; fails if the program ends first. */
  said(text: string, on?: 'stdout' | 'stderr'): Promise<void>;
  readonly ended: Promise<RunResult>;
}

export function start(command: string, args: readonly string[], options: RunOptions): Running {
  const { env, cwd = tmpdir(), input = '', timeoutMs = 45_000 } = options;
  const startedAt = performance.now();
  // In a process group of its own, so that one signal reaches it and its children, and nobody else.
  const child = spawn(command, args, { cwd, env: { ...env }, detached: true, stdio: 'pipe' });
  const { pid } = child;
  let stdout = '';
  let stderr = '';
  let timedOut = false;
  child.stdout.setEncoding('utf8').on('data', (chunk: string) => (stdout += chunk));
  child.stderr.setEncoding('utf8').on('data', (chunk: string) => (stderr += chunk));
  child.stdin.on('error', () => {});
  child.stdin.end(input);
  const ended = new Promise<RunResult>((resolve, reject) => {
    const timer = setTimeout(() => {
      timedOut = true;
      if (pid !== undefined) killGroup(pid);
    }, timeoutMs);
    child.once('error', (error) => {
      clearTimeout(timer);
      reject(error);
    });
    child.once('close', (exitCode, signal) => {
      clearTimeout(timer);
      resolve({ stdout, stderr, exitCode, signal, durationMs: performance.now() - startedAt, timedOut });
    });
  });
  return {
    pid: pid ?? -1,
    get stdout() {
      return stdout;
    },
    get stderr() {
      return stderr;
    },
    kill: (signal) => void child.kill(signal),
    said: (text, on = 'stdout') =>
      new Promise((resolve, reject) => {
        const look = (): void => {
          if ((on === 'stdout' ? stdout : stderr).includes(text)) resolve();
        };
        child[on].on('data', look);
        child.once('close', () => reject(new Error(`${command} ended before it said ${text}: ${stdout}${stderr}`)));
        look();
      }),
    ended,
  };
}

export async function run(command: string, args: readonly string[], options: RunOptions): Promise<RunResult> {
  return start(command, args, options).ended;
}

function killGroup(pid: number): void {
  try {
    process.kill(-pid, 'SIGKILL');
  } catch (error) {
    // It may have ended by itself in this very moment.
    if ((error as NodeJS.ErrnoException).code !== 'ESRCH') throw error;
  }
}
