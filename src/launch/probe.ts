// Asks a program something before the run (`codex --no-daemon --version`): bounded, with no terminal, and never a failure of the run.
import { spawnProgram, whenEnded } from './spawn-program.ts';

export interface ProbeResult {
  readonly exitCode: number | null;
  readonly stdout: string;
}

// One that does not end when it is asked to.
const graceMs = 1_000;

/** Runs `file` to its end, for `timeoutMs` and until `signal` at the most. Never rejects; an exit code of null says that it did not end by itself. */
export async function probeCommand(
  file: string,
  args: readonly string[],
  environment: Readonly<Record<string, string | undefined>>,
  timeoutMs = 5_000,
  signal?: AbortSignal,
): Promise<ProbeResult> {
  const { child } = spawnProgram({
    file,
    args,
    options: { env: environment, stdio: ['ignore', 'pipe', 'ignore'], windowsHide: true },
  });
  if (child === null) return { exitCode: null, stdout: '' };
  let stdout = '';
  child.stdout?.setEncoding('utf8').on('data', (text: string) => (stdout += text));
  let grace: NodeJS.Timeout | undefined;
  const end = (): void => {
    child.kill();
    grace ??= setTimeout(() => {
      child.kill('SIGKILL');
      // What it has started may hold the pipe open.
      child.stdout?.destroy();
    }, graceMs);
  };
  const timer = setTimeout(end, timeoutMs);
  signal?.addEventListener('abort', end, { once: true });
  if (signal?.aborted === true) end();
  process.once('exit', end);
  const { exitCode } = await whenEnded(child, 'close');
  clearTimeout(timer);
  clearTimeout(grace);
  signal?.removeEventListener('abort', end);
  process.off('exit', end);
  return { exitCode, stdout: stdout.replace(/\r?\n$/, '') };
}
