// The processes that carry a variable in their environment: how a test finds what its Codex left running, wherever that went.
// Linux only, like /proc.
import { readdirSync, readFileSync } from 'node:fs';

export interface FoundProcess {
  readonly pid: number;
  readonly command: string;
}

/** All processes with exactly this variable, terminals (tmux and what it starts for itself) left out. */
export function findProcesses(name: string, value: string): FoundProcess[] {
  return readdirSync('/proc')
    .filter((entry) => /^\d+$/.test(entry))
    .filter((pid) => read(pid, 'environ').includes(`${name}=${value}`))
    .map((pid) => ({ pid: Number(pid), command: read(pid, 'cmdline').join(' ').trim() }))
    .filter(({ command }) => !/^(\S*\/)?tmux\b/.test(command));
}

/** Ends them: the test that gave them this variable has started them. */
export function endProcesses(name: string, value: string): void {
  for (const { pid } of findProcesses(name, value)) {
    try {
      process.kill(pid, 'SIGKILL');
    } catch (error) {
      // It may have ended by itself in this very moment.
      if ((error as NodeJS.ErrnoException).code !== 'ESRCH') throw error;
    }
  }
}

function read(pid: string, file: 'environ' | 'cmdline'): string[] {
  try {
    return readFileSync(`/proc/${pid}/${file}`, 'utf8').split('\0');
  } catch {
    return []; // It has ended, or it is somebody else's.
  }
}
