// Which runs sign with which root at the moment: a file for each, named for its process and the root. A rotation leaves an earlier root in the
// trust stores as long as a run still signs with it.
import { mkdir, readdir, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';

import { newId } from '../domain/index.ts';
import { notWritable } from './atomic-file.ts';
import { isAlive } from '../processes/index.ts';

const pattern = /^in-use-(\d+)-([0-9a-f]{64})-\w+$/;

export interface Use {
  readonly pid: number;
  /** Of the root. */
  readonly fingerprint: string;
}

/** Says that this process signs with the root, as long as the file that it gives is there. Throws `E_HOME_NOT_WRITABLE`. */
export async function announceUse(folder: string, fingerprint: string, pid = process.pid): Promise<string> {
  const file = join(folder, `in-use-${pid}-${fingerprint}-${newId()}`);
  try {
    await mkdir(folder, { recursive: true, mode: 0o700 });
    await writeFile(file, '', { mode: 0o600 });
  } catch (cause) {
    throw notWritable(file, cause);
  }
  return file;
}

/** The runs that are alive. Files of those that died are taken away. */
export async function listUses(folder: string): Promise<readonly Use[]> {
  const names = await readdir(folder).catch(() => [] as string[]);
  const uses: Use[] = [];
  for (const name of names) {
    const [, pid, fingerprint] = pattern.exec(name) ?? [];
    if (pid === undefined || fingerprint === undefined) continue;
    if (isAlive(Number(pid))) uses.push({ pid: Number(pid), fingerprint });
    else await rm(join(folder, name), { force: true }).catch(() => undefined);
  }
  return uses;
}
