// What can be told of processes by their ids and their environments.
import { readdir, readFile } from 'node:fs/promises';

/** Also one that belongs to somebody else. */
export function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM';
  }
}

/** Its command line and environment, where the system has them in files (Linux) and lets us look; null elsewhere. */
export async function readProcess(
  pid: number,
): Promise<{ readonly command: readonly string[]; readonly environment: ReadonlyMap<string, string> } | null> {
  try {
    const [command = [], environment = []] = await Promise.all(
      ['cmdline', 'environ'].map(async (name) => (await readFile(`/proc/${pid}/${name}`, 'utf8')).split('\0')),
    );
    const variables = environment.map((line): [string, string] => {
      const at = line.indexOf('=');
      return [line.slice(0, at), line.slice(at + 1)];
    });
    return { command, environment: new Map(variables) };
  } catch {
    return null;
  }
}

/**
 * Ends what still runs with this variable in its environment, which nobody has but those that we have started and what they started: also
 * what has left its process group. Only where environments can be read (Linux).
 */
export async function endThoseWith(variable: string, value: string): Promise<void> {
  for (const name of await readdir('/proc').catch(() => [])) {
    const pid = Number(name);
    if (!Number.isInteger(pid) || pid === process.pid) continue;
    if ((await readProcess(pid))?.environment.get(variable) !== value) continue;
    try {
      process.kill(pid, 'SIGKILL');
    } catch {
      // it has ended by itself
    }
  }
}
