// Which program runs on which core: the proxy has one to itself, the client and the provider share another, or have one each where there are more.
// Where there is no `taskset`, all run where the system puts them.
import { spawnSync } from 'node:child_process';

export type Part = 'proxy' | 'client' | 'upstream';

/** Command and arguments that run on the core of that part. */
export type Pin = (part: Part, command: string, args: readonly string[]) => [string, string[]];

export interface Pinning {
  readonly pin: Pin;
  /**
   * Keeps this process, and what it starts without a pin, away from the proxy's core; false: lets it run anywhere again. It reads /proc and
   * collects garbage, too, and that was in the way of the proxy.
   */
  readonly keepAway: (isAway: boolean) => void;
  /** For the report. */
  readonly description: string;
}

export function choosePinning(): Pinning {
  const allowed = readAllowedCores();
  if (allowed.length < 2) {
    return {
      pin: (_part, command, args) => [command, [...args]],
      keepAway: () => {},
      description: 'not pinned: no `taskset` here, or one core only',
    };
  }
  const [proxy = 0, client = 0, upstream = client] = allowed;
  const cores: Readonly<Record<Part, number>> = { proxy, client, upstream };
  return {
    pin: (part, command, args) => ['taskset', ['--cpu-list', String(cores[part]), command, ...args]],
    keepAway(isAway) {
      const list = (isAway ? [client] : allowed).join();
      spawnSync('taskset', ['--all-tasks', '--cpu-list', '--pid', list, String(process.pid)], { stdio: 'ignore' });
    },
    description: `proxy on core ${proxy}, client on ${client}, provider on ${upstream}`,
  };
}

/** `pid 123's current affinity list: 0,2-3` → [0, 2, 3]; empty without `taskset`. */
function readAllowedCores(): number[] {
  const { stdout, status } = spawnSync('taskset', ['--cpu-list', '--pid', String(process.pid)], { encoding: 'utf8' });
  if (status !== 0 || typeof stdout !== 'string') return [];
  const list = stdout.slice(stdout.lastIndexOf(':') + 1).trim();
  return list.split(',').flatMap((range) => {
    const [from = NaN, to = from] = range.split('-').map(Number);
    return Array.from({ length: to - from + 1 }, (_, at) => from + at);
  });
}
