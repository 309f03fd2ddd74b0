// One at a time: commands that change the root or the trust stores wait for each other.
import { link, mkdir, readFile, rm, writeFile } from 'node:fs/promises';
import { dirname } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';

import { newId, shellWord } from '../domain/index.ts';
import { TapesError } from '../errors.ts';
import { isAlive } from '../processes/index.ts';

/** Runs `change` while holding the lock. Throws `E_CA_BUSY` where another holds it for longer than `patienceMs`. */
export async function withLock<T>(file: string, change: () => Promise<T>, patienceMs = 15_000): Promise<T> {
  await mkdir(dirname(file), { recursive: true, mode: 0o700 });
  const draft = `${file}.${newId()}`;
  // Complete before it is there: a lock whose owner cannot be read would be nobody's.
  await writeFile(draft, String(process.pid), { mode: 0o600, flag: 'wx' });
  try {
    const deadline = performance.now() + patienceMs;
    while (!(await take(draft, file))) {
      const owner = await readOwner(file);
      if (owner !== null && !isAlive(owner) && (await removeDead(draft, file))) continue;
      if (performance.now() > deadline) {
        throw new TapesError('E_CA_BUSY', `another tapes (pid ${owner}) is at work, and holds ${file}`, {
          hint: `let it finish, then try again; is it gone? then: rm ${shellWord(file)}`,
        });
      }
      await wait(50);
    }
  } finally {
    await rm(draft, { force: true });
  }
  try {
    return await change();
  } finally {
    await rm(file, { force: true });
  }
}

async function take(draft: string, file: string): Promise<boolean> {
  try {
    await link(draft, file);
    return true;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'EEXIST') return false;
    throw error;
  }
}

/** Of several that find the same dead owner one removes it: else the slower would take away the lock that the faster has taken meanwhile. */
async function removeDead(draft: string, file: string): Promise<boolean> {
  const turn = `${file}.takeover`;
  if (!(await take(draft, turn))) {
    if (await isOfTheDead(turn)) await rm(turn, { force: true });
    return false;
  }
  try {
    if (await isOfTheDead(file)) await rm(file, { force: true });
    return true;
  } finally {
    await rm(turn, { force: true });
  }
}

async function isOfTheDead(file: string): Promise<boolean> {
  const owner = await readOwner(file);
  return owner !== null && !isAlive(owner);
}

async function readOwner(file: string): Promise<number | null> {
  const pid = Number(await readFile(file, 'utf8').catch(() => ''));
  return Number.isInteger(pid) && pid > 0 ? pid : null;
}
