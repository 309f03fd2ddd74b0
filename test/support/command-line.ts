// A command line as it is typed, run in this process: what went to stdout and stderr, and what it failed with.
import { vi } from 'vitest';

import { buildProgram } from '../../src/cli/main.ts';

export interface CommandOutcome {
  readonly stdout: string;
  readonly stderr: string;
  readonly error: unknown;
}

export async function runCommand(...words: string[]): Promise<CommandOutcome> {
  const written = { stdout: [] as Buffer[], stderr: [] as Buffer[] };
  const spies = (['stdout', 'stderr'] as const).map((name) =>
    vi.spyOn(process[name], 'write').mockImplementation((data, ...rest: unknown[]) => {
      written[name].push(Buffer.from(data));
      const done = rest.find((value) => typeof value === 'function');
      if (done !== undefined) (done as () => void)();
      return true;
    }),
  );
  let error: unknown = null;
  try {
    await buildProgram().parseAsync(words, { from: 'user' });
  } catch (thrown) {
    error = thrown;
  } finally {
    for (const spy of spies) spy.mockRestore();
  }
  const read = (parts: readonly Buffer[]): string => Buffer.concat(parts).toString();
  return { stdout: read(written.stdout), stderr: read(written.stderr), error };
}
