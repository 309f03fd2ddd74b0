// Asks a program something before the run (`codex --no-daemon --version`): bounded, with no terminal, and never a failure of the run.
import { execa } from 'execa';

export interface ProbeResult {
  readonly exitCode: number | null;
  readonly stdout: string;
}

/** Runs `file` to its end, for `timeoutMs` and until `signal` at the most. Never rejects; an exit code of null says that it did not end by itself. */
export async function probeCommand(
  file: string,
  args: readonly string[],
  environment: Readonly<Record<string, string | undefined>>,
  timeoutMs = 5_000,
  signal?: AbortSignal,
): Promise<ProbeResult> {
  const result = await execa(file, args, {
    env: environment,
    extendEnv: false,
    stdin: 'ignore',
    stderr: 'ignore',
    timeout: timeoutMs,
    ...(signal === undefined ? {} : { cancelSignal: signal }),
    reject: false,
  });
  return { exitCode: result.exitCode ?? null, stdout: typeof result.stdout === 'string' ? result.stdout : '' };
}
