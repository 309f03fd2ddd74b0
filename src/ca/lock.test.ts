import { mkdtemp, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';

import { withLock } from './lock.ts';

let folder: string;
let file: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'tapes-lock-'));
  file = join(folder, 'ca.lock');
});
afterEach(() => rm(folder, { recursive: true, force: true }));

it('lets one in at a time, and leaves nothing behind', async () => {
  let inside = 0;
  const most: number[] = [];
  const change = async (): Promise<void> => {
    most.push((inside += 1));
    await new Promise((resolve) => setImmediate(resolve));
    inside -= 1;
  };
  await Promise.all(Array.from({ length: 5 }, () => withLock(file, change)));
  expect(most).toEqual([1, 1, 1, 1, 1]);
  expect(await readdir(folder)).toEqual([]);
});

it('is given back where the change fails', async () => {
  await expect(withLock(file, () => Promise.reject(new Error('no')))).rejects.toThrow('no');
  expect(await withLock(file, async () => 'done')).toBe('done');
});

it('of a process that died is taken over', async () => {
  await writeFile(file, '4194305'); // above the highest pid that Linux gives
  expect(await withLock(file, async () => 'done')).toBe('done');
});

it('of a process that died is taken over by one, where several come at once', async () => {
  let inside = 0;
  const most: number[] = [];
  const change = async (): Promise<void> => {
    most.push((inside += 1));
    await new Promise((resolve) => setTimeout(resolve, 5));
    inside -= 1;
  };
  for (let round = 0; round < 20; round += 1) {
    await writeFile(file, '4194305');
    await Promise.all(Array.from({ length: 3 }, () => withLock(file, change)));
  }
  expect(most).toEqual(most.map(() => 1));
  expect(most).toHaveLength(60);
  expect(await readdir(folder)).toEqual([]);
});

it('of another that goes on for too long is an error that names it', async () => {
  await writeFile(file, String(process.ppid));
  await expect(withLock(file, async () => 'done', 100)).rejects.toMatchObject({
    code: 'E_CA_BUSY',
    message: expect.stringContaining(String(process.ppid)),
    hint: expect.stringContaining(`rm ${file}`),
  });
});
