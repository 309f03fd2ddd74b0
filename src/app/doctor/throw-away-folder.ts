// A folder below the system's temporary one that goes when tapes does, however it ends: by itself, by a signal that is held, by an exception.
// What a tapes left that was killed (kill -9), the next one takes away: the folder's name tells whose it was.
import { rmSync } from 'node:fs';
import { mkdtemp, readdir, realpath, rm, stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { isAlive } from '../../processes/index.ts';

export interface ThrowAwayFolder {
  readonly path: string;
  remove(): Promise<void>;
}

const prefix = 'tapes-doctor-';

/** Makes it, 0700. */
export async function makeThrowAwayFolder(): Promise<ThrowAwayFolder> {
  const path = await realpath(await mkdtemp(join(tmpdir(), `${prefix}${process.pid}-`)));
  const removeAtExit = (): void => rmSync(path, { recursive: true, force: true });
  process.once('exit', removeAtExit);
  return {
    path,
    async remove() {
      // A program that was killed a moment ago may still be writing.
      await rm(path, { recursive: true, force: true, maxRetries: 5, retryDelay: 50 });
      process.off('exit', removeAtExit);
    },
  };
}

/** Takes away the folders of those that have been killed. `end` is called with each before: something may still be at work in it. */
export async function sweepFolders(end: (path: string) => Promise<void>): Promise<void> {
  const folder = await realpath(tmpdir());
  for (const name of await readdir(folder).catch(() => [])) {
    const pid = new RegExp(`^${prefix}(\\d+)-`).exec(name)?.[1];
    if (pid === undefined || isAlive(Number(pid))) continue;
    const path = join(folder, name);
    const isOurs = await stat(path).then(
      ({ uid }) => process.getuid === undefined || uid === process.getuid(),
      () => false,
    );
    if (!isOurs) continue;
    await end(path);
    await rm(path, { recursive: true, force: true }).catch(() => undefined);
  }
}
