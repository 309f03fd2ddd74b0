import { mkdtemp, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';

import { openLedger, readLedger, type LedgerEntry } from './ledger.ts';

let folder: string;
let file: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'tapes-ledger-'));
  file = join(folder, 'trust.json');
});
afterEach(() => rm(folder, { recursive: true, force: true }));

const entry = (fingerprint: string): LedgerEntry => ({
  store: 'nss',
  target: 'sql:/home/dev/.pki/nssdb',
  fingerprint,
  certificatePem: 'PEM',
  installedAt: '2026-11-25T00:00:00.000Z',
});

it('is on disk, its owner alone may read it, and it holds an entry once', async () => {
  const ledger = await openLedger(file);
  await ledger.put(entry('a'));
  await ledger.put(entry('b'));
  await ledger.put(entry('a'));
  expect((await readLedger(file)).map(({ fingerprint }) => fingerprint)).toEqual(['b', 'a']);
  expect((await stat(file)).mode & 0o777).toBe(0o600);
  await ledger.drop(entry('b'));
  expect(ledger.has(entry('b'))).toBe(false);
  expect(await readLedger(file)).toEqual([entry('a')]);
});

it('is empty where nothing was ever installed', async () => {
  expect(await readLedger(file)).toEqual([]);
});

it.each(['', '{', '[]', '{"version":2,"entries":[]}', '{"version":1,"entries":[{"store":"moon"}]}'])(
  'that holds %j is told of, and left as it is',
  async (text) => {
    await writeFile(file, text);
    await expect(openLedger(file)).rejects.toMatchObject({
      code: 'E_LEDGER_UNREADABLE',
      hint: expect.stringContaining(`mv ${file}`),
    });
    expect(await readFile(file, 'utf8')).toBe(text);
  },
);
