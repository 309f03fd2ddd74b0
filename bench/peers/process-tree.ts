// CPU time and memory of a process and all that it has started, as Linux tells them in /proc. Elsewhere nothing is known: null.
import { execFileSync } from 'node:child_process';
import { existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';

export interface Memory {
  /** Resident now. */
  readonly nowBytes: number;
  /** The most since the last reset. Of several processes the sum, though they may not have been at their peaks together. */
  readonly peakBytes: number;
}

export const hasProcesses = existsSync('/proc/self/clear_refs');

/** CPU seconds of the tree so far, of its threads and of children that have ended, too. */
export function readCpuSeconds(root: number): number | null {
  if (!hasProcesses) return null;
  return sum(findTree(root).map((pid) => sum(readStat(pid).slice(11, 15).map(Number)))) / ticksPerSecond();
}

export function readMemory(root: number): Memory | null {
  if (!hasProcesses) return null;
  const statuses = findTree(root).map((pid) => readText(pid, 'status'));
  const total = (field: string): number =>
    sum(statuses.map((text) => Number(new RegExp(`^${field}:\\s*(\\d+) kB`, 'm').exec(text)?.[1] ?? 0))) * 1024;
  return { nowBytes: total('VmRSS'), peakBytes: total('VmHWM') };
}

/** Peaks are counted anew from here. */
export function resetPeak(root: number): void {
  for (const pid of hasProcesses ? findTree(root) : []) {
    try {
      writeFileSync(`/proc/${pid}/clear_refs`, '5');
    } catch {
      // It has ended meanwhile.
    }
  }
}

/** The process and its descendants. */
function findTree(root: number): number[] {
  const children = new Map<number, number[]>();
  for (const entry of readdirSync('/proc')) {
    if (!/^\d+$/.test(entry)) continue;
    const parent = Number(readStat(Number(entry))[1]);
    children.set(parent, [...(children.get(parent) ?? []), Number(entry)]);
  }
  const tree = [root];
  for (const pid of tree) tree.push(...(children.get(pid) ?? []));
  return tree;
}

/** The fields behind the name, which may hold anything: state, parent …, user, system, and the same of ended children at 11 to 14. */
function readStat(pid: number): string[] {
  const text = readText(pid, 'stat');
  return text.slice(text.lastIndexOf(')') + 2).split(' ');
}

function readText(pid: number, file: string): string {
  try {
    return readFileSync(`/proc/${pid}/${file}`, 'utf8');
  } catch {
    return ''; // It has ended meanwhile.
  }
}

const sum = (numbers: readonly number[]): number => numbers.reduce((total, number) => total + (number || 0), 0);

let ticks: number | null = null;
function ticksPerSecond(): number {
  ticks ??= Number(execFileSync('getconf', ['CLK_TCK'], { encoding: 'utf8' })) || 100;
  return ticks;
}
