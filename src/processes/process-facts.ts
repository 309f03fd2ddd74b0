// What Linux tells of other processes of this user: which one has the other end of a connection, what it was started with, and what is in
// its environment. Other systems have no such files: there nothing is found.
import { readdir, readFile, readlink } from 'node:fs/promises';

export interface ProcessFacts {
  readonly pid: number;
  readonly argv: readonly string[];
  readonly cwd: string;
  readonly environment: Readonly<Record<string, string>>;
}

/**
 * The process that has opened the connection from `peerPort` to `ownPort`, both on loopback. Null: it has gone, or cannot be told.
 * `likely`: pids that are looked at first.
 */
export async function findPeerProcess(
  peerPort: number,
  ownPort: number,
  likely: Iterable<number> = [],
): Promise<ProcessFacts | null> {
  const inode = await findSocketInode(peerPort, ownPort);
  if (inode === null) return null;
  const wanted = `socket:[${inode}]`;
  for (const pid of likely) if (await hasOpen(pid, wanted)) return readProcess(pid);
  // An agent is most often among the newest processes, and its connection may be gone in a moment.
  for (const pid of await listProcesses()) if (await hasOpen(pid, wanted)) return readProcess(pid);
  return null;
}

async function hasOpen(pid: number, wanted: string): Promise<boolean> {
  const folder = `/proc/${pid}/fd`;
  const names = await readdir(folder).catch((): string[] => []);
  const links = await Promise.all(names.map((name) => readlink(`${folder}/${name}`).catch(() => '')));
  return links.includes(wanted);
}

/** Newest first; of other users too, of whom nothing more can be read. */
export async function listProcesses(): Promise<number[]> {
  const names = await readdir('/proc').catch((): string[] => []);
  return names
    .filter((name) => /^\d+$/.test(name))
    .map(Number)
    .toSorted((a, b) => b - a);
}

/** Null: there is no such process, it is another user's, or the system does not tell. */
export async function readProcess(pid: number): Promise<ProcessFacts | null> {
  try {
    const [command, variables, cwd] = await Promise.all([
      readFile(`/proc/${pid}/cmdline`, 'utf8'),
      readFile(`/proc/${pid}/environ`, 'utf8'),
      readlink(`/proc/${pid}/cwd`),
    ]);
    const environment: Record<string, string> = {};
    for (const variable of variables.split('\0')) {
      const at = variable.indexOf('=');
      if (at > 0) environment[variable.slice(0, at)] = variable.slice(at + 1);
    }
    return { pid, argv: command.split('\0').slice(0, -1), cwd, environment };
  } catch {
    return null;
  }
}

/** A line of /proc/net/tcp (proc_net(5)): `0: 0100007F:A1B2 0100007F:1F90 01 … uid timeout inode`, numbers in hexadecimal. */
async function findSocketInode(peerPort: number, ownPort: number): Promise<string | null> {
  const ends = [peerPort, ownPort].map((port) => `0100007F:${port.toString(16).toUpperCase().padStart(4, '0')}`);
  const table = await readFile('/proc/net/tcp', 'latin1').catch(() => '');
  const line = table.split('\n').find((candidate) => candidate.includes(ends.join(' ')));
  const inode = line?.trim().split(/\s+/)[9];
  return inode === undefined || inode === '0' ? null : inode;
}
