// The process of a peer: started on the proxy's core with nothing of the user's environment but PATH, ended with this one in any case.
import { spawn, spawnSync, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { connect, createServer, type AddressInfo } from 'node:net';
import { createInterface } from 'node:readline';
import { setTimeout as wait } from 'node:timers/promises';

import type { Surroundings } from './peer.ts';

export interface PeerProcess {
  readonly pid: number;
  /** The last of what it said on stderr. */
  readonly lastWords: string;
  /** Its next line on stdout. Rejects when it ends before. */
  readLine(): Promise<string>;
  /** Settles once something listens on that port of 127.0.0.1. Rejects when the process ends before. */
  listening(port: number): Promise<void>;
  /** By the end of its stdin, or by the signal; by force if it takes longer than 20 s. */
  end(how: 'stdin' | NodeJS.Signals): Promise<void>;
}

const startMs = 30_000;
const endMs = 20_000;
const alive = new Set<ChildProcess>();
process.once('exit', () => {
  for (const child of alive) child.kill('SIGKILL');
});

export function startProcess(
  { pin, folder }: Surroundings,
  command: string,
  args: readonly string[],
  environment: Readonly<Record<string, string>> = {},
): PeerProcess {
  const [file, pinned] = pin('proxy', command, args);
  const child = spawn(file, pinned, {
    cwd: folder,
    env: { PATH: process.env['PATH'] ?? '', HOME: folder, NO_COLOR: '1', LANG: 'C.UTF-8', ...environment },
    stdio: 'pipe',
  });
  alive.add(child);
  let lastWords = '';
  child.stderr.setEncoding('utf8').on('data', (text: string) => (lastWords = (lastWords + text).slice(-2000)));
  child.stdin.on('error', () => undefined);
  const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]();
  const ended = new Promise<void>((resolve) => {
    child.once('error', (error) => {
      lastWords += error.message;
      resolve();
    });
    child.once('close', () => resolve());
  }).then(() => void alive.delete(child));
  const orFailure = <T>(what: Promise<T>): Promise<T> => {
    const tooLate = wait(startMs, undefined, { ref: false }).then(() => 'did not stand in time');
    const failed = Promise.race([tooLate, ended.then(() => 'ended before it stood')]).then((how) => {
      throw new Error(`${command} ${how}: ${lastWords.trim() || 'it said nothing'}`);
    });
    return Promise.race([what, failed]);
  };
  return {
    pid: child.pid ?? 0,
    get lastWords() {
      return lastWords;
    },
    readLine: () =>
      orFailure(
        lines.next().then(({ value, done }) => {
          if (done === true) return ended.then(() => '');
          return value;
        }),
      ),
    async listening(port) {
      const over = new AbortController();
      const look = async (): Promise<void> => {
        while (!over.signal.aborted && !(await isListening(port))) await wait(20);
      };
      await orFailure(look()).finally(() => over.abort());
    },
    async end(how) {
      if (how === 'stdin') child.stdin.end();
      else child.kill(how);
      const timer = setTimeout(() => child.kill('SIGKILL'), endMs);
      await ended;
      clearTimeout(timer);
    },
  };
}

async function isListening(port: number): Promise<boolean> {
  const socket = connect({ host: '127.0.0.1', port });
  try {
    await once(socket, 'connect');
    return true;
  } catch {
    return false;
  } finally {
    socket.destroy();
  }
}

/** For programs that cannot pick one and say which. */
export async function findFreePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  server.close();
  await once(server, 'close');
  return port;
}

/** What the program says of its version, in one line; null where there is no such program. */
export function askVersion(command: string, args: readonly string[] = ['--version']): string | null {
  const { status, stdout } = spawnSync(command, args, { encoding: 'utf8', timeout: 20_000 });
  return status === 0 && typeof stdout === 'string' ? (stdout.split('\n', 1)[0] ?? '').trim() : null;
}
