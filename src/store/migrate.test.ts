import { mkdir, readFile, stat, writeFile } from 'node:fs/promises';
import { dirname } from 'node:path';

import { expect, test } from 'vitest';

import { freshDatabase, openRunRecorder, recordScript } from '../../test/support/record-script.ts';
import { plainAnswer } from '../../test/support/wire-script.ts';
import { TapesError } from '../errors.ts';
import { Connection } from './connection.ts';
import { checkDatabaseFile } from './database-file.ts';
import { withLibrary } from './library.ts';
import { migrate, schemaVersion } from './migrate.ts';
import { migrations } from './migrations/index.ts';
import { openForWriting } from './open-database.ts';

const codeOf = async (work: () => unknown): Promise<string | null> => {
  try {
    await work();
    return null;
  } catch (error) {
    return error instanceof TapesError ? error.code : String(error);
  }
};

async function makeDatabase(sql: string): Promise<string> {
  const file = await freshDatabase();
  await mkdir(dirname(file));
  const connection = await Connection.open(file, 'create');
  await connection.exec(sql);
  await connection.close();
  return file;
}

test('a new database is private, in WAL mode, and knows which steps made it', async () => {
  const file = await freshDatabase();
  const connection = await openForWriting(file, 1000);
  const steps = await connection.all<{ name: string }>('SELECT name FROM migrations');
  const mode = await connection.get('PRAGMA journal_mode');
  const modes = await Promise.all([file, `${file}-wal`, `${file}-shm`, dirname(file)].map((path) => stat(path)));
  await connection.close();

  expect(steps.map(({ name }) => name)).toEqual(migrations.map(({ name }) => name));
  expect(mode).toEqual({ journal_mode: 'wal' });
  expect(modes.map(({ mode }) => (mode & 0o777).toString(8))).toEqual(['600', '600', '600', '700']);
});

test('a database that others could read is made private', async () => {
  const file = await makeDatabase('');
  await writeFile(file, '', { mode: 0o644 });
  await (await openForWriting(file, 1000)).close();

  expect((await stat(file)).mode & 0o777).toBe(0o600);
});

test('a migration that fails leaves nothing of itself, and the steps before it', async () => {
  const file = await makeDatabase('');
  const connection = await Connection.open(file, 'write');
  const steps = [
    { name: '001-good', sql: 'CREATE TABLE good (a) STRICT;'.replace('(a)', '(a TEXT)') },
    { name: '002-bad', sql: 'CREATE TABLE half (a TEXT); CREATE TABLE good (a TEXT);' },
  ];

  await expect(migrate(connection, file, steps)).rejects.toThrow(/already exists/);
  expect(await connection.all("SELECT name FROM sqlite_schema WHERE type = 'table' ORDER BY name")).toEqual([
    { name: 'good' },
    { name: 'migrations' },
  ]);
  expect(await connection.get('PRAGMA user_version')).toEqual({ user_version: 1 });
  await connection.close();
});

test('processes that make a database at once make it once, and none takes it for somebody else’s', async () => {
  for (let round = 0; round < 10; round++) {
    const file = await freshDatabase();
    const recorders = Array.from({ length: 5 }, (_, at) => openRunRecorder(file, { run: { id: `run-${at}` } }));
    const reports = await Promise.all(recorders.map((recorder) => recorder.close()));
    const connection = await Connection.open(file, 'read');
    const steps = await connection.all('SELECT name FROM migrations');
    const runs = await connection.all('SELECT id FROM runs');
    await connection.close();

    expect(reports.flatMap(({ problems }) => problems)).toEqual([]);
    expect(steps).toHaveLength(schemaVersion);
    expect(runs).toHaveLength(5);
  }
});

test('a database of a newer version is refused by every door and not touched', async () => {
  const { dbFile } = await recordScript((script) => script.call('ex-1').answer('ex-1', plainAnswer('Hi.')));
  const connection = await Connection.open(dbFile, 'write');
  await connection.exec(`PRAGMA user_version = ${schemaVersion + 1}; PRAGMA wal_checkpoint(TRUNCATE)`);
  await connection.close();
  const before = await readFile(dbFile);

  const recorder = openRunRecorder(dbFile, { run: { id: 'run-2' } });
  const refused = await recorder.ready;
  recorder.push({ type: 'responseEnded', exchangeId: 'ex-9', at: 0, mono: 0 });
  const report = await recorder.close();
  expect(refused).toMatchObject({ code: 'E_DB_NEWER' });
  expect(report.dropped).toBe(1);
  expect(await codeOf(() => checkDatabaseFile(dbFile))).toBe('E_DB_NEWER');
  expect(await codeOf(() => withLibrary(dbFile, async () => null))).toBe('E_DB_NEWER');
  expect(before.equals(await readFile(dbFile))).toBe(true);
});

test('a file that is no database, or somebody else’s, is refused and not touched', async () => {
  const text = await makeDatabase('');
  await writeFile(text, 'just some notes that somebody keeps here\n'.repeat(10));
  const foreign = await makeDatabase('CREATE TABLE customers (name TEXT)');

  for (const file of [text, foreign]) {
    const before = await readFile(file);
    expect(await openRunRecorder(file).ready).toMatchObject({ code: 'E_DB_UNREADABLE' });
    expect(await codeOf(() => withLibrary(file, async () => null))).toBe('E_DB_UNREADABLE');
    expect(before.equals(await readFile(file))).toBe(true);
  }
  expect(await codeOf(() => checkDatabaseFile(text))).toBe('E_DB_UNREADABLE');
});

test('a damaged database is refused with a hint', async () => {
  const { dbFile } = await recordScript((script) => script.call('ex-1').answer('ex-1', plainAnswer('Hi.')));
  const bytes = await readFile(dbFile);
  bytes.fill(0xaa, 100, 4096);
  await writeFile(dbFile, bytes);

  const refused = await openRunRecorder(dbFile).ready;
  expect(refused).toMatchObject({ code: 'E_DB_UNREADABLE' });
  expect(refused!.hint).toContain('--db FILE');
});

test('no database, and one in which nothing was ever put, are both missing', async () => {
  const empty = await makeDatabase('');

  expect(await codeOf(async () => withLibrary(await freshDatabase(), async () => null))).toBe('E_DB_MISSING');
  expect(await codeOf(() => withLibrary(empty, async () => null))).toBe('E_DB_MISSING');
  expect(() => checkDatabaseFile(empty)).not.toThrow();
});

test('a folder that cannot be made is said, not thrown at whoever records', async () => {
  const file = await makeDatabase('');
  const recorder = openRunRecorder(`${file}/below/tapes.db`);

  expect(await recorder.ready).toMatchObject({ code: 'E_DB_UNREADABLE' });
  expect((await recorder.close()).problems[0]).toContain('cannot be');
});
