// A folder that cannot be written, for root too: a program in a mount namespace of its own, in which the folder is read-only.
import { execFileSync } from 'node:child_process';

import { needs } from './programs.ts';

const tools = needs('unshare', 'mount');

export const canMount = !tools.skip && process.getuid?.() === 0 && canUnshare();
/** For a test's name. */
export const whyNoMount = canMount ? '' : ' (skipped: nothing can be mounted here)';

/** `argv` with `folder` read-only for it, and for it alone. */
export function withReadOnly(folder: string, argv: readonly string[]): readonly string[] {
  const script = `mount --bind "$1" "$1" && mount -o remount,bind,ro "$1" && shift && exec "$@"`;
  return ['unshare', '-m', 'sh', '-c', script, 'sh', folder, ...argv];
}

function canUnshare(): boolean {
  try {
    execFileSync('unshare', ['-m', 'true'], { stdio: 'ignore' });
    return true;
  } catch {
    return false;
  }
}
