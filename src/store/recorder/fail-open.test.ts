// What goes wrong with a recording is counted and told at the end; it never reaches whoever pushes, and never takes long.
import { describe, expect, test } from 'vitest';

import { freshDatabase, openRunRecorder, recordScript } from '../../../test/support/record-script.ts';
import { plainAnswer, sse, textDelta, WireScript } from '../../../test/support/wire-script.ts';
import { readCodexIdentity } from '../../agents/index.ts';
import { Connection } from '../connection.ts';
import { withLibrary } from '../library.ts';
import type { RunRecorder } from './run-recorder.ts';

function push(recorder: RunRecorder, write: (script: WireScript) => unknown): void {
  const script = new WireScript();
  write(script);
  for (const event of script.events) recorder.push(event);
}

const countCalls = (dbFile: string): Promise<number> =>
  withLibrary(dbFile, async (library) => {
    const sessions = await library.listSessions({ limit: 10, all: true });
    return sessions.reduce((sum, session) => sum + session.calls, 0);
  });

async function lock(dbFile: string): Promise<() => Promise<void>> {
  const connection = await Connection.open(dbFile, 'write');
  await connection.exec('BEGIN EXCLUSIVE');
  return async () => {
    await connection.exec('COMMIT');
    await connection.close();
  };
}

describe('a locked database', () => {
  test('costs nothing where the lock passes', async () => {
    const dbFile = await freshDatabase();
    const recorder = openRunRecorder(dbFile, { busyTimeoutMs: 20 });
    await recorder.ready;
    const unlock = await lock(dbFile);
    push(recorder, (script) => script.call('ex-1').answer('ex-1', plainAnswer('Hi.')));
    await new Promise((resolve) => setTimeout(resolve, 400));
    await unlock();
    const report = await recorder.close();

    expect(report).toMatchObject({ calls: 1, dropped: 0, problems: [] });
    expect(await countCalls(dbFile)).toBe(1);
  });

  test('is told with the count of what was lost where it does not', async () => {
    const dbFile = await freshDatabase();
    const recorder = openRunRecorder(dbFile, { busyTimeoutMs: 20, closeWithinMs: 300 });
    await recorder.ready;
    const unlock = await lock(dbFile);
    push(recorder, (script) => script.call('ex-1').answer('ex-1', plainAnswer('Hi.')));
    const began = performance.now();
    const report = await recorder.close();

    // requestStarted, -Data, -Ended, responseStarted, five events of the answer, the hang-up.
    expect(report.problems).toEqual(['the database is locked: 10 events lost']);
    expect(report.dropped).toBe(10);
    expect(performance.now() - began).toBeLessThan(3000);
    await unlock();
    expect(await countCalls(dbFile)).toBe(0);
  });

  test('at the start does not keep the agent waiting, and is written once it is free', async () => {
    const { dbFile } = await recordScript((script) => script.call('ex-0').answer('ex-0', plainAnswer('Before.')));
    const unlock = await lock(dbFile);
    const recorder = openRunRecorder(dbFile, { busyTimeoutMs: 20, run: { id: 'run-2' } });
    expect(await recorder.ready).toBeNull();
    push(recorder, (script) => script.call('ex-1').answer('ex-1', plainAnswer('Hi.')));
    await unlock();

    expect(await recorder.close()).toMatchObject({ calls: 1, dropped: 0 });
    expect(await countCalls(dbFile)).toBe(2);
  });

  test('keeps no more in memory than its bound: events wait to be taken instead', async () => {
    const dbFile = await freshDatabase();
    let handled = 0;
    const recorder = openRunRecorder(dbFile, { busyTimeoutMs: 20, closeWithinMs: 300, onHandled: () => handled++ });
    await recorder.ready;
    const unlock = await lock(dbFile);
    const filler = sse(textDelta('x'.repeat(1024 * 1024)));
    push(recorder, (script) => {
      script.call('ex-1').head('ex-1');
      for (let at = 0; at < 20; at++) script.data('ex-1', filler);
    });
    await new Promise((resolve) => setTimeout(resolve, 500));

    expect(handled).toBeGreaterThan(5);
    expect(handled).toBeLessThan(16);
    await recorder.close();
    await unlock();
  });
});

test('a row that cannot be written does not take the others with it', async () => {
  const dbFile = await freshDatabase();
  const recorder = openRunRecorder(dbFile);
  await recorder.ready;
  const connection = await Connection.open(dbFile, 'write');
  await connection.exec('DROP TABLE turns');
  await connection.close();
  push(recorder, (script) => script.call('ex-1').answer('ex-1', plainAnswer('Hi.')));
  const report = await recorder.close();

  expect(report.problems).toEqual(['the database failed (no such table: turns): 1 event lost']);
  const reader = await Connection.open(dbFile, 'read');
  expect(await reader.get('SELECT id, status FROM calls')).toEqual({ id: 'ex-1', status: 'completed' });
  await reader.close();
});

test('a bug in a decoder costs the exchange it happens in, and no other', async () => {
  const dbFile = await freshDatabase();
  const recorder = openRunRecorder(dbFile, {
    identify(headers, body, path) {
      const identity = readCodexIdentity(headers, body, path);
      if (identity.turnId === 'turn-bad') throw new TypeError('cannot read what is not there');
      return identity;
    },
  });
  push(recorder, (script) =>
    script
      .call('ex-1', { turn: 'turn-bad' })
      .answer('ex-1', plainAnswer('Lost.'))
      .call('ex-2')
      .answer('ex-2', plainAnswer('Kept.')),
  );
  const report = await recorder.close();

  expect(report).toMatchObject({
    calls: 1,
    dropped: 1,
    problems: ['the recorder failed (cannot read what is not there): 1 event lost'],
  });
  expect(await countCalls(dbFile)).toBe(1);
});
