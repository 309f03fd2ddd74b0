// Starts programs: by Node alone, but on Windows, where scripts (`codex.cmd`) and shebangs need what cross-spawn knows of them. It is loaded
// there only, for what is loaded before the agent starts, the agent waits for.
import { spawn, type ChildProcess, type SpawnOptions } from 'node:child_process';

export interface Program {
  readonly file: string;
  /** argv[0]; default: the file. */
  readonly name?: string;
  readonly args: readonly string[];
  readonly options: Omit<SpawnOptions, 'argv0'>;
}

export type Spawned =
  | { readonly child: ChildProcess; readonly error: null }
  | { readonly child: null; readonly error: Promise<NodeJS.ErrnoException> };

const spawnHere = process.platform === 'win32' ? (await import('cross-spawn')).default.spawn : spawn;

/** Never throws: Node does where the system refuses at once (E2BIG), and tells of the rest (ENOENT, EACCES) in an event. */
export function spawnProgram({ file, name = file, args, options }: Program): Spawned {
  try {
    const child = spawnHere(file, [...args], { ...options, argv0: name });
    if (child.pid !== undefined) {
      // From now on an error is a signal that could not be sent, which changes nothing.
      child.on('error', () => undefined);
      return { child, error: null };
    }
    return { child: null, error: new Promise((resolve) => child.once('error', resolve)) };
  } catch (error) {
    return { child: null, error: Promise.resolve(error as NodeJS.ErrnoException) };
  }
}

/** Its exit code and signal. `events.once` would reject where a signal could not be sent. */
export function whenEnded(
  child: ChildProcess,
  event: 'exit' | 'close',
): Promise<{ readonly exitCode: number | null; readonly signal: NodeJS.Signals | null }> {
  return new Promise((resolve) => child.once(event, (exitCode, signal) => resolve({ exitCode, signal })));
}
