// Keeps an agent from handing its traffic to a background process that tapes cannot see into.
import { readFile } from 'node:fs/promises';
import { homedir } from 'node:os';

import type { BackgroundRule } from '../agents/index.ts';
import { TapesError } from '../errors.ts';
import { probeCommand } from '../launch/index.ts';

export interface StayInProcessOptions {
  readonly rule: BackgroundRule;
  readonly file: string;
  readonly args: readonly string[];
  readonly argumentsAt: number;
  readonly environment: Readonly<Record<string, string | undefined>>;
}

/**
 * The arguments with the agent's flag put in where it is needed and known. Throws `E_AGENT_DAEMON` where the agent does not know
 * the flag and a background process is alive: the run would record nothing, silently.
 */
export async function stayInProcess(
  options: StayInProcessOptions,
): Promise<{ args: readonly string[]; added: string | null }> {
  const { rule, args, argumentsAt, environment } = options;
  // `argumentsAt` counts from the command word; `args` begins behind it.
  const before = args.slice(0, argumentsAt - 1);
  const own = args.slice(argumentsAt - 1);
  if (!rule.isNeeded(own)) return { args, added: null };
  const probe = await probeCommand(options.file, [...before, ...rule.probe], environment);
  if (probe.exitCode === 0) return { args: [...before, rule.flag, ...own], added: rule.flag };
  const pid = await findLiveProcess(rule.pidFile(environment, homedir()));
  if (pid === null) return { args, added: null };
  throw new TapesError(
    'E_AGENT_DAEMON',
    `a background process of this agent (pid ${pid}) is running and would carry the traffic past tapes, and this version does not know ${rule.flag}`,
    { hint: `end it first: ${rule.stopCommand}` },
  );
}

async function findLiveProcess(pidFile: string): Promise<number | null> {
  try {
    const { pid } = JSON.parse(await readFile(pidFile, 'utf8')) as { pid?: unknown };
    if (typeof pid !== 'number') return null;
    process.kill(pid, 0);
    return pid;
  } catch {
    return null; // no such file, or no such process
  }
}
