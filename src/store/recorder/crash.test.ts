// kill -9 while an answer streams: what was completed is there, what was open is there up to the last moment, and nothing needs repair.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';

import { expect, test } from 'vitest';

import { freshDatabase, recordScript } from '../../../test/support/record-script.ts';
import { plainAnswer } from '../../../test/support/wire-script.ts';
import type { Turn } from '../../domain/index.ts';
import { Connection } from '../connection.ts';
import { withLibrary } from '../library.ts';

const program = fileURLToPath(new URL('../../../test/support/record-until-killed.ts', import.meta.url));
const project = fileURLToPath(new URL('../../..', import.meta.url));

/** Returns how many words had been pushed 250 ms before the kill. */
async function recordAndKill(dbFile: string, afterMs: number): Promise<number> {
  const child = spawn(process.execPath, ['--import', 'tsx', program, dbFile], {
    cwd: project,
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const printed: number[] = [];
  child.stdout.on('data', (data: Buffer) => {
    for (const line of data.toString().trim().split('\n')) printed[Number(line)] = performance.now();
  });
  await once(child.stdout, 'data');
  await new Promise((resolve) => setTimeout(resolve, afterMs));
  const killed = performance.now();
  child.kill('SIGKILL');
  await once(child, 'exit');
  return printed.filter((at) => at !== undefined && at < killed - 250).length;
}

const readTurns = (dbFile: string): Promise<readonly Turn[]> =>
  withLibrary(dbFile, async (library) => (await library.readSession('session-aaaa-1')).threads[0]!.turns);

const wordsOf = (turns: readonly Turn[]): number => (turns[1]!.calls[0]!.output[0]?.text ?? '').split(' ').length - 1;

test('after kill -9 readers show the open call as interrupted, and the next recorder makes it so', async () => {
  const dbFile = await freshDatabase();
  const promised = await recordAndKill(dbFile, 700);
  const before = await readFile(dbFile);

  const seen = await readTurns(dbFile);
  const [run] = await withLibrary(dbFile, (library) => library.listRuns({ limit: 1, all: false }));
  expect(seen).toMatchObject([
    { status: 'completed', calls: [{ id: 'ex-1', status: 'completed', output: [{ text: 'It is there.' }] }] },
    { status: 'interrupted', calls: [{ id: 'ex-2', status: 'interrupted' }] },
  ]);
  expect(promised).toBeGreaterThan(10);
  expect(wordsOf(seen)).toBeGreaterThanOrEqual(promised);
  expect(run).toMatchObject({ id: 'run-killed', status: 'interrupted', endedAt: null });
  expect(before.equals(await readFile(dbFile))).toBe(true);

  await recordScript((script) => script.call('ex-3', { session: 'session-b' }).answer('ex-3', plainAnswer('Next.')), {
    dbFile,
  });
  const connection = await Connection.open(dbFile, 'read');
  const call = await connection.get(
    "SELECT status, json_extract(output, '$[0].content[0].text') IS NOT NULL AS has_text FROM calls WHERE id = 'ex-2'",
  );
  const exchange = await connection.get("SELECT outcome FROM exchanges WHERE id = 'ex-2'");
  const chunks = await connection.get('SELECT count(*) AS count FROM response_chunks');
  const integrity = await connection.get('PRAGMA integrity_check');
  await connection.close();
  expect(call).toMatchObject({ status: 'interrupted' });
  expect(exchange).toEqual({ outcome: 'interrupted' });
  expect(chunks).toEqual({ count: 0 });
  expect(integrity).toEqual({ integrity_check: 'ok' });
  expect(wordsOf(await readTurns(dbFile))).toBe(wordsOf(seen));
});

test.each([0, 33, 120])(
  'killed %d ms into an answer, the completed call is whole and the open one is what had come',
  async (afterMs) => {
    const dbFile = await freshDatabase();
    const promised = await recordAndKill(dbFile, afterMs);
    await recordScript(() => null, { dbFile });

    // Killed at once, even the completed call may be younger than the 100 ms after which it is written.
    const turns = await readTurns(dbFile).catch(() => []);
    for (const call of turns.flatMap((turn) => turn.calls)) expect(['completed', 'interrupted']).toContain(call.status);
    if (promised > 0) expect(wordsOf(turns)).toBeGreaterThanOrEqual(promised);
  },
);
