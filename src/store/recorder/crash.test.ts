// kill -9 while an answer streams: what was completed is there, what was open is there up to the last moment, and nothing needs repair.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';

import { expect, test } from 'vitest';

import { seededRandom } from '../../../test/support/any-json.ts';
import { compileProgram } from '../../../test/support/compile-program.ts';
import { freshDatabase, openRunRecorder, recordScript } from '../../../test/support/record-script.ts';
import { plainAnswer, sse, WireScript } from '../../../test/support/wire-script.ts';
import type { Turn } from '../../domain/index.ts';
import { TapesError } from '../../errors.ts';
import { Connection } from '../connection.ts';
import { withLibrary } from '../library.ts';
import { rederive } from '../rederive.ts';

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

/** Killed in that very moment, this is what would be there: batches are given an hour, so that what is on disk did not wait for one. */
async function readWhileOpen(
  write: (script: WireScript) => void,
): Promise<{ turns: () => Promise<readonly Turn[]>; close: () => Promise<unknown> }> {
  const dbFile = await freshDatabase();
  const recorder = openRunRecorder(dbFile, { flushAfterMs: 60 * 60 * 1000 });
  await recorder.ready;
  const script = new WireScript();
  write(script);
  for (const event of script.events) recorder.push(event);
  return { turns: () => readTurns(dbFile).catch(() => []), close: () => recorder.close() };
}

test.each<[string, string, (script: WireScript) => void]>([
  [
    'has all of its answer, though the agent has not closed the stream',
    'completed',
    (script) => script.data('ex-1', plainAnswer('It is there.').map(sse).join('')),
  ],
  [
    'ends without the word of the provider',
    'truncated',
    (script) => script.data('ex-1', plainAnswer('It is there.').slice(0, -1).map(sse).join('')).end('ex-1'),
  ],
])('a call that %s is on disk as %s, without having to wait', async (_name, status, write) => {
  const { turns, close } = await readWhileOpen((script) => write(script.call('ex-1').head('ex-1')));
  const seen = [{ calls: [{ status, output: [{ text: 'It is there.' }] }] }];
  await expect.poll(turns).toMatchObject(seen);
  await close();
});

const lanes = 2;
const kills = 100;

interface Promised {
  /** Calls that had ended. */
  readonly ended: readonly string[];
  /** The call that was open, and how many words of it had passed. */
  readonly open: { readonly id: string; readonly words: number } | null;
}

/**
 * Starts a recording, kills it, and gives what had been pushed 250 ms before. A line comes every 8 ms: where the machine itself stood
 * still for longer, as a busy one does, that much more is allowed.
 */
async function recordManyAndKill(
  manyProgram: string,
  dbFile: string,
  run: string,
  random: () => number,
): Promise<Promised> {
  const child = spawn(process.execPath, [manyProgram, dbFile, run], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const lines: { readonly at: number; readonly text: string }[] = [];
  let beginRecording = (): void => {};
  const recording = new Promise<void>((resolve) => {
    beginRecording = resolve;
  });
  child.stdout.on('data', (data: Buffer) => {
    for (const text of data.toString().trim().split('\n')) lines.push({ at: performance.now(), text });
    if (lines.at(-1)!.text !== 'ready') beginRecording();
  });
  await once(child.stdout, 'data');
  // One in ten while the recorder starts, perhaps before there is a database.
  if (random() < 0.9) await recording;
  await new Promise((resolve) => setTimeout(resolve, random() * 700));
  const killed = performance.now();
  child.kill('SIGKILL');
  await once(child, 'exit');
  const stamps = [...lines.map(({ at }) => at).filter((at) => at > killed - 600), killed];
  const stoodStillMs = Math.max(0, ...stamps.slice(1).map((at, index) => at - stamps[index]! - 8));
  const texts = lines.filter(({ at }) => at < killed - 250 - stoodStillMs).map(({ text }) => text.split(' '));
  const ended = texts.filter(([what]) => what === 'ended').map(([, id]) => id!);
  const [what, id, words] = texts.at(-1) ?? [];
  return { ended, open: what === 'word' ? { id: id!, words: Number(words) } : null };
}

/** All calls of a session as a reader sees them, by their ids; none where the database or the session is not there yet. */
async function readCallsOf(dbFile: string, sessionId: string): Promise<Map<string, Turn['calls'][number]>> {
  const turns = await withLibrary(dbFile, async (library) => {
    const sessions = await library.listSessions({ limit: 1000, all: true });
    if (!sessions.some(({ id }) => id === sessionId)) return [];
    return (await library.readSession(sessionId)).threads.flatMap((thread) => thread.turns);
  }).catch((error: unknown) => {
    if (error instanceof TapesError && error.code === 'E_DB_MISSING') return [];
    throw error;
  });
  return new Map(turns.flatMap((turn) => turn.calls).map((call) => [call.id, call]));
}

const countWords = (call: Turn['calls'][number]): number => (call.output[0]?.text ?? '').split(' ').length - 1;

/** Many recordings into one database, each killed at another moment; looked at after each as it was left. */
async function killAgainAndAgain(
  manyProgram: string,
  lane: number,
): Promise<{ completed: number; interrupted: number }> {
  const random = seededRandom(lane);
  const dbFile = await freshDatabase();
  const seen = { completed: 0, interrupted: 0 };
  for (let kill = lane; kill < kills; kill += lanes) {
    const run = `run-${kill}`;
    const promised = await recordManyAndKill(manyProgram, dbFile, run, random);
    const calls = await readCallsOf(dbFile, `session-${run}`);
    for (const id of promised.ended) {
      expect(calls.get(id), `${id} after kill ${kill}`).toMatchObject({ status: 'completed' });
    }
    if (promised.open !== null) {
      const open = calls.get(promised.open.id);
      expect(['interrupted', 'completed'], `${promised.open.id} after kill ${kill}`).toContain(open?.status);
      expect(countWords(open!)).toBeGreaterThanOrEqual(promised.open.words);
    }
    for (const call of calls.values()) {
      if (call.status === 'completed') expect(countWords(call)).toBe(25);
      else expect(call.status).toBe('interrupted');
      seen[call.status as keyof typeof seen] += 1;
    }
    if (calls.size === 0) continue;
    const report = await withLibrary(dbFile, (library) => library.verify(() => {}));
    expect(report.problems, `after kill ${kill}`).toEqual([]);
  }
  // What is derived of the bytes is what readers were shown.
  const again = await rederive(dbFile, () => {});
  expect(again).toMatchObject({ changed: { sessions: 0, threads: 0, turns: 0, calls: 0, search: 0 }, left: [] });
  return seen;
}

test(
  'killed at 100 random moments, no completed call is lost and every byte that was promised is there',
  { timeout: 180_000 },
  async () => {
    const manyProgram = await compileProgram(['test/support/record-many.ts', 'src/store/recorder/recorder-thread.ts']);
    const seen = await Promise.all(Array.from({ length: lanes }, (_, lane) => killAgainAndAgain(manyProgram, lane)));

    const sum = (status: 'completed' | 'interrupted'): number => seen.reduce((all, lane) => all + lane[status], 0);
    expect(sum('completed')).toBeGreaterThan(50);
    expect(sum('interrupted')).toBeGreaterThan(30);
  },
);

test.each([0, 33, 120])(
  'killed %d ms into an answer, the completed call is whole and the open one is what had come',
  async (afterMs) => {
    const dbFile = await freshDatabase();
    const promised = await recordAndKill(dbFile, afterMs);
    await recordScript(() => null, { dbFile });

    // Killed at once, even the completed call may not have come to the recorder yet.
    const turns = await readTurns(dbFile).catch(() => []);
    for (const call of turns.flatMap((turn) => turn.calls)) expect(['completed', 'interrupted']).toContain(call.status);
    if (promised > 0) expect(wordsOf(turns)).toBeGreaterThanOrEqual(promised);
  },
);
