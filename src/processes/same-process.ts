// Whether a process that was noted down, with its start, is still there. A pid alone does not say: it may have been given to another process since.
import { readFileSync } from 'node:fs';
import { hostname } from 'node:os';

import { isAlive } from './is-alive.ts';

export interface RunProcess {
  readonly hostname: string;
  readonly pid: number;
  /** When the process began, in a form that no later process with the same pid has; null where the system does not tell. */
  readonly pid_started: string | null;
}

export function describeProcess(pid: number): RunProcess {
  return { hostname: hostname(), pid, pid_started: readStartOf(pid) };
}

/** Of a process on another host (a home on a network disk, a container) nothing can be known: it counts as alive. */
export function isProcessAlive(run: RunProcess): boolean {
  if (run.hostname !== hostname()) return true;
  if (!isAlive(run.pid)) return false;
  const started = readStartOf(run.pid);
  return started === null || run.pid_started === null || started === run.pid_started;
}

/** Linux: the boot, and field 22 of /proc/PID/stat, the start in clock ticks since then (proc_pid_stat(5)). */
function readStartOf(pid: number): string | null {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
    // Field 2, the command in brackets, may hold blanks and brackets itself.
    const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
    const ticks = fields[19];
    if (ticks === undefined || fields[0] === 'Z') return ticks === undefined ? null : 'zombie';
    return `${readFileSync('/proc/sys/kernel/random/boot_id', 'utf8').trim()} ${ticks}`;
  } catch {
    return null;
  }
}
