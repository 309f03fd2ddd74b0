// The recorder in its thread, as `tapes intercept` uses it.
import { expect, test, vi } from 'vitest';

import { freshDatabase } from '../../../test/support/record-script.ts';
import { maskKeyOfTests, runStartOfTests } from '../../../test/support/run-start.ts';
import { plainAnswer, sse, textDelta, WireScript } from '../../../test/support/wire-script.ts';
import { Connection } from '../connection.ts';
import { withLibrary } from '../library.ts';
import { openRecorder } from './open-recorder.ts';
import type { PacedRecorder, RecorderOptions, Recorder } from './recorder-types.ts';

const open = (dbFile: string, options: Partial<RecorderOptions> = {}): PacedRecorder =>
  openRecorder({ dbFile, run: runStartOfTests(), maskKey: maskKeyOfTests, secrets: [], ...options });

function push(recorder: Recorder, write: (script: WireScript) => unknown): void {
  const script = new WireScript();
  write(script);
  for (const event of script.events) recorder.push(event);
}

test('what is pushed is in the database when close settles', async () => {
  const dbFile = await freshDatabase();
  const recorder = open(dbFile);
  push(recorder, (script) => script.call('ex-1').answer('ex-1', plainAnswer('Hi.')));
  recorder.endRun({ exitCode: 3, signal: null, endedAt: Date.UTC(2026, 10, 23, 12, 1) });
  const report = await recorder.close();

  expect(report).toMatchObject({ calls: 1, turns: 1, dropped: 0, problems: [], sessions: [{ shortId: 'session-a' }] });
  expect(await withLibrary(dbFile, (library) => library.listRuns({ limit: 1, all: false }))).toMatchObject([
    { exitCode: 3, status: 'ended', calls: 1 },
  ]);
});

test('the bytes that are pushed are not taken away: others read them, too', async () => {
  const dbFile = await freshDatabase();
  const recorder = open(dbFile);
  const script = new WireScript().call('ex-1').head('ex-1');
  for (const event of script.events.splice(0)) recorder.push(event);
  const pool = Buffer.alloc(8192, 0x20);
  const part = pool.subarray(100, 100 + pool.write(sse(textDelta('mine')), 100));
  script.data('ex-1', part);
  recorder.push(script.events[0]!);
  recorder.push({ type: 'responseEnded', exchangeId: 'ex-1', ...script.now });
  await recorder.close();

  const { threads } = await withLibrary(dbFile, (library) => library.readSession('session-aaaa-1'));
  expect(pool.length).toBe(8192);
  expect(threads[0]!.turns[0]!.calls[0]!.output).toMatchObject([{ text: 'mine' }]);
});

test('above its limit the data of whole exchanges is dropped, counted, and said in their bodies', async () => {
  const dbFile = await freshDatabase();
  const recorder = open(dbFile, { queueLimitBytes: 300_000 });
  const filler = sse(textDelta('x'.repeat(50_000)));
  // The thread has not begun when all of this is pushed.
  push(recorder, (script) => {
    script.call('ex-1').head('ex-1');
    for (let at = 0; at < 20; at++) script.data('ex-1', filler);
    script.end('ex-1').call('ex-2', { turn: 'turn-2' });
  });
  await recorder.ready;
  await new Promise((resolve) => setTimeout(resolve, 300));
  push(recorder, (script) => script.answer('ex-2', plainAnswer('Small, and late enough.')));
  const report = await recorder.close();

  const { threads } = await withLibrary(dbFile, (library) => library.readSession('session-aaaa-1'));
  const exchange = await withLibrary(dbFile, (library) => library.readExchangeOf('ex-1'));
  expect(report.dropped).toBeGreaterThan(10);
  expect(report.problems).toEqual([`too much was waiting to be recorded: ${report.dropped} events lost`]);
  expect(exchange!.response!.wireBytes).toBe(20 * filler.length);
  expect(exchange!.response!.wireSha256).toBeNull();
  expect(exchange!.response!.problem).toMatch(/^\d+ bytes were not recorded/);
  expect(threads[0]!.turns[1]!.calls[0]).toMatchObject({ status: 'completed' });
});

test('a refused database is told before anything is recorded', async () => {
  const dbFile = await freshDatabase();
  await open(dbFile).close();
  const connection = await Connection.open(dbFile, 'write');
  await connection.exec('PRAGMA user_version = 99');
  await connection.close();
  const recorder = open(dbFile);

  expect(await recorder.ready).toMatchObject({ code: 'E_DB_NEWER', exitCode: 125 });
  push(recorder, (script) => script.call('ex-1').answer('ex-1', plainAnswer('Hi.')));
  expect(await recorder.close()).toMatchObject({ calls: 0, dropped: 10 });
});

test('a thread that dies is counted, and close still settles', async () => {
  const dbFile = await freshDatabase();
  // An agent's name that is no text makes the thread throw where nothing catches it.
  const recorder = open(dbFile, { run: runStartOfTests({ argv: null as unknown as string[] }) });
  push(recorder, (script) => script.call('ex-1').answer('ex-1', plainAnswer('Hi.')));
  const report = await recorder.close();
  recorder.push({ type: 'requestEnded', exchangeId: 'ex-1', at: 0, mono: 0 });

  expect(report.problems.join()).toMatch(/recorder/);
  expect(await recorder.close()).toBe(report);
});

/** 5 MB, where 4 may wait. */
function pushTooMuch(recorder: Recorder): void {
  const filler = sse(textDelta('x'.repeat(50_000)));
  push(recorder, (script) => {
    script.call('ex-1').head('ex-1');
    for (let at = 0; at < 100; at++) script.data('ex-1', filler);
  });
}

test('it is behind while much waits, and no longer once that is recorded', async () => {
  const recorder = open(await freshDatabase(), { queueLimitBytes: 16_000_000 });
  pushTooMuch(recorder);
  expect(recorder.pace.isBehind()).toBe(true);
  await new Promise<void>((resolve) => recorder.pace.whenNotBehind(resolve));
  expect(recorder.pace.isBehind()).toBe(false);
  expect((await recorder.close()).dropped).toBe(0);
});

test('nobody waits for a thread that has died', async () => {
  // The bound of a hold never comes.
  vi.useFakeTimers({ toFake: ['setTimeout'] });
  try {
    // Secrets that are no list end the thread at its start.
    const secrets = null as unknown as string[];
    const recorder = open(await freshDatabase(), { secrets, queueLimitBytes: 16_000_000 });
    pushTooMuch(recorder);
    expect(recorder.pace.isBehind()).toBe(true);
    await new Promise<void>((resolve) => recorder.pace.whenNotBehind(resolve));
    expect((await recorder.close()).problems.join()).toMatch(/crashed/);
  } finally {
    vi.useRealTimers();
  }
});

test('pushing takes microseconds, whatever the recorder does', async () => {
  const dbFile = await freshDatabase();
  const recorder = open(dbFile);
  const data = Buffer.from(sse(textDelta('x'.repeat(400))));
  const script = new WireScript().call('ex-1').head('ex-1');
  for (let at = 0; at < 2000; at++) script.data('ex-1', data);
  const began = performance.now();
  for (const event of script.events) recorder.push(event);
  const each = (performance.now() - began) / script.events.length;
  await recorder.close();

  expect(each).toBeLessThan(0.5);
});
