// Runs a program for a trial: without a terminal, its output kept, in a process group of its own of which nothing outlives the trial.
import type { ChildCommand } from './child.ts';
import { spawnProgram, whenEnded } from './spawn-program.ts';

export interface BoundedResult {
  /** Null where it did not end by itself. */
  readonly exitCode: number | null;
  readonly signal: NodeJS.Signals | null;
  readonly stdout: string;
  readonly stderr: string;
  /** Why it never ran, or null. */
  readonly spawnError: string | null;
  readonly endedBy: 'itself' | 'timeout' | 'stop';
}

export interface Bounds {
  readonly timeoutMs: number;
  /** Ends the program before its time. */
  readonly stop: AbortSignal;
}

// What was started apart from the group may hold the pipes open after all else has ended.
const pipesMs = 500;
const maxOutputBytes = 1024 * 1024;

/** Runs `command` until it ends, its time is over, or it is stopped. Never rejects. */
export async function runBounded(command: ChildCommand, { timeoutMs, stop }: Bounds): Promise<BoundedResult> {
  const { child, error } = spawnProgram({
    ...command,
    options: {
      cwd: command.cwd,
      env: command.environment,
      stdio: ['ignore', 'pipe', 'pipe'],
      detached: process.platform !== 'win32',
      windowsHide: true,
    },
  });
  const output = { stdout: '', stderr: '' };
  if (child === null) {
    const { message: spawnError } = await error;
    return { exitCode: null, signal: null, ...output, spawnError, endedBy: 'itself' };
  }
  for (const name of ['stdout', 'stderr'] as const) {
    child[name]?.setEncoding('utf8').on('data', (text: string) => {
      if (output[name].length < maxOutputBytes) output[name] += text;
    });
  }
  let endedBy: BoundedResult['endedBy'] = 'itself';
  const end = (by: 'timeout' | 'stop'): void => {
    endedBy = by;
    killGroup(child.pid);
  };
  const onStop = (): void => end('stop');
  const timer = setTimeout(() => end('timeout'), timeoutMs);
  stop.addEventListener('abort', onStop, { once: true });
  if (stop.aborted) onStop();
  let pipes: NodeJS.Timeout | undefined;
  const exited = new Promise<void>((resolve) => {
    child.once('exit', () => (pipes = setTimeout(resolve, pipesMs)));
  });
  await Promise.race([whenEnded(child, 'close'), exited]);
  clearTimeout(timer);
  clearTimeout(pipes);
  stop.removeEventListener('abort', onStop);
  killGroup(child.pid);
  child.stdout?.destroy();
  child.stderr?.destroy();
  const { exitCode, signalCode: signal } = child;
  return { exitCode: endedBy === 'itself' ? exitCode : null, signal, ...output, spawnError: null, endedBy };
}

/** The program and what it has started and left; what has ended already is no failure. */
function killGroup(pid: number | undefined): void {
  if (pid === undefined) return;
  try {
    if (process.platform === 'win32') {
      const args = ['/pid', String(pid), '/T', '/F'];
      spawnProgram({ file: 'taskkill', args, options: { stdio: 'ignore' } }).child?.unref();
    } else process.kill(-pid, 'SIGKILL');
  } catch {
    // ESRCH: nothing is left of it
  }
}
