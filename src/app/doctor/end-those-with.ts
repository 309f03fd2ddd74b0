// Ends what a trial has left running, wherever it has gone.
import { listProcesses, readProcess } from '../../processes/index.ts';

/**
 * Ends what still runs with this variable in its environment, which nobody has but those that we have started and what they started: also
 * what has left its process group. Only where environments can be read (Linux).
 */
export async function endThoseWith(variable: string, value: string): Promise<void> {
  for (const pid of await listProcesses()) {
    if (pid === process.pid || (await readProcess(pid))?.environment[variable] !== value) continue;
    try {
      process.kill(pid, 'SIGKILL');
    } catch {
      // it has ended by itself
    }
  }
}
