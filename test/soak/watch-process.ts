// What a process takes, as the system tells it (Linux), every two seconds; and what V8 tells of its heap, written by the process itself.
import { existsSync, readdirSync, readFileSync, readlinkSync } from 'node:fs';

export interface Sample {
  /** Seconds since the watch began. */
  readonly at: number;
  /** What is the process' own: neither files nor shared memory, so that pages of the database do not count. */
  readonly ownMegabytes: number;
  readonly residentMegabytes: number;
  /** Of the main thread: null until the process has told. */
  readonly heapMegabytes: number | null;
  readonly externalMegabytes: number | null;
  readonly descriptors: number;
  readonly sockets: number;
  readonly threads: number;
}

export interface Watch {
  readonly samples: readonly Sample[];
  stop(): void;
}

/** `memoryFile`: see tell-memory.cjs. */
export function watchProcess(pid: number, memoryFile: string, everyMs = 2_000): Watch {
  const begun = performance.now();
  const samples: Sample[] = [];
  const look = (): void => {
    const sample = readSample(pid, memoryFile, (performance.now() - begun) / 1000);
    if (sample !== null) samples.push(sample);
  };
  const timer = setInterval(look, everyMs);
  look();
  return { samples, stop: () => clearInterval(timer) };
}

function readSample(pid: number, memoryFile: string, at: number): Sample | null {
  try {
    const status = readFileSync(`/proc/${pid}/status`, 'utf8');
    const kilobytes = (name: string): number => Number(new RegExp(`^${name}:\\s*(\\d+)`, 'm').exec(status)?.[1] ?? 0);
    const descriptors = readdirSync(`/proc/${pid}/fd`);
    const heap = existsSync(memoryFile) ? readHeap(readFileSync(memoryFile, 'utf8')) : null;
    return {
      at,
      ownMegabytes: kilobytes('RssAnon') / 1024,
      residentMegabytes: kilobytes('VmRSS') / 1024,
      heapMegabytes: heap === null ? null : heap.heapUsed / 2 ** 20,
      externalMegabytes: heap === null ? null : heap.external / 2 ** 20,
      descriptors: descriptors.length,
      sockets: descriptors.filter((name) => isSocket(`/proc/${pid}/fd/${name}`)).length,
      threads: kilobytes('Threads'),
    };
  } catch {
    return null; // It has ended.
  }
}

function readHeap(text: string): { heapUsed: number; external: number } | null {
  try {
    return JSON.parse(text) as { heapUsed: number; external: number };
  } catch {
    return null; // It is being written.
  }
}

function isSocket(path: string): boolean {
  try {
    return readlinkSync(path).startsWith('socket:');
  } catch {
    return false; // It has been closed meanwhile.
  }
}
