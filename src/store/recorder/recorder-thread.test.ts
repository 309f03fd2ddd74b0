// Several runs in one thread, as a standing proxy records them.
import { expect, test } from 'vitest';

import { freshDatabase } from '../../../test/support/record-script.ts';
import { maskKeyOfTests, runStartOfTests } from '../../../test/support/run-start.ts';
import { plainAnswer, sse, textDelta, WireScript } from '../../../test/support/wire-script.ts';
import { Connection } from '../connection.ts';
import { withLibrary } from '../library.ts';
import { rederive } from '../rederive.ts';
import { openRecorderThread } from './open-recorder.ts';
import type { Recorder, RecorderThread, RunStart } from './recorder-types.ts';

const openThread = (dbFile: string, queueLimitBytes?: number): RecorderThread =>
  openRecorderThread({
    dbFile,
    maskKey: maskKeyOfTests,
    secrets: [],
    ...(queueLimitBytes === undefined ? {} : { queueLimitBytes }),
  });

const sessionRun = (id: string, more: Partial<RunStart> = {}): RunStart =>
  runStartOfTests({ id, argv: [], cwd: '', kind: 'session', proxyRunId: 'proxy', ...more });

function push(recorder: Recorder, write: (script: WireScript) => unknown, at?: number): void {
  const script = new WireScript(at);
  write(script);
  for (const event of script.events) recorder.push(event);
}

const end = (recorder: Recorder): ReturnType<Recorder['close']> => {
  recorder.endRun({ exitCode: null, signal: null, endedAt: Date.UTC(2026, 10, 23, 13) });
  return recorder.close();
};

const all = async <Row>(dbFile: string, sql: string): Promise<Row[]> => {
  const connection = await Connection.open(dbFile, 'read');
  try {
    return await connection.all<Row>(sql);
  } finally {
    await connection.close();
  }
};

test('each run has its own calls, report and end, whatever the others do meanwhile', async () => {
  const dbFile = await freshDatabase();
  const thread = openThread(dbFile);
  const runs = Array.from({ length: 8 }, (_, at) => thread.openRun(sessionRun(`run-${at}`)));
  for (const [at, run] of runs.entries()) {
    push(run, (script) =>
      script
        .call(`ex-${at}`, { session: `session-${at}`, thread: `thread-${at}` })
        .answer(`ex-${at}`, plainAnswer('Hi.')),
    );
  }
  const [first, ...others] = runs;
  expect(await end(first!)).toMatchObject({ calls: 1, dropped: 0, problems: [], sessions: [{ id: 'session-0' }] });
  // The others go on when one has ended.
  push(others[0]!, (script) =>
    script
      .call('later', { session: 'session-1', thread: 'thread-1', turn: 'turn-2' })
      .answer('later', plainAnswer('Yes.')),
  );
  const running = async (): Promise<number> => {
    const listed = await withLibrary(dbFile, (library) => library.listRuns({ limit: 99, all: false }));
    return listed.filter(({ status }) => status === 'running').length;
  };
  await expect.poll(running, { timeout: 5000 }).toBe(7);
  const reports = await Promise.all(others.map(end));
  expect(reports.map(({ calls, dropped }) => [calls, dropped])).toEqual([
    [2, 0],
    ...Array.from({ length: 6 }, () => [1, 0]),
  ]);
  thread.leave();
  // No process was told: the folder is what the requests say.
  const rows = await withLibrary(dbFile, (library) => library.listRuns({ limit: 99, all: false }));
  expect(new Set(rows.map(({ id, calls, status, kind, cwd }) => `${id} ${calls} ${status} ${kind} ${cwd}`))).toEqual(
    new Set(runs.map((_, at) => `run-${at} ${at === 1 ? 2 : 1} ended session /home/dev/project`)),
  );
});

test('what is secret in one run is masked in all', async () => {
  const dbFile = await freshDatabase();
  const thread = openThread(dbFile);
  const secret = 'a-secret-of-some-login-0123456789';
  const [one, two] = [thread.openRun(sessionRun('one')), thread.openRun(sessionRun('two'))];
  thread.learnSecrets([secret]);
  for (const [name, run] of Object.entries({ one, two })) {
    push(run, (script) =>
      script
        .call(name, { session: name, thread: name, prompt: `print ${secret}` })
        .answer(name, plainAnswer(`it is ${secret}`)),
    );
  }
  await Promise.all([end(one), end(two)]);
  thread.leave();
  const sessions: unknown[] = [];
  for (const id of ['one', 'two']) sessions.push(await withLibrary(dbFile, (library) => library.readSession(id)));
  expect(JSON.stringify(sessions)).toContain('masked:');
  expect(JSON.stringify(sessions)).not.toContain(secret);
});

test('what is learnt of the process later is in the row of the run', async () => {
  const dbFile = await freshDatabase();
  const thread = openThread(dbFile);
  const run = thread.openRun(sessionRun('run-1'));
  run.describeRun({ argv: ['codex', 'exec', 'say hello'], cwd: '/home/dev/project' });
  push(run, (script) => script.call('ex-1').answer('ex-1', plainAnswer('Hi.')));
  await end(run);
  thread.leave();
  expect(await withLibrary(dbFile, (library) => library.listRuns({ limit: 1, all: false }))).toMatchObject([
    { argv: ['codex', 'exec', 'say hello'], cwd: '/home/dev/project', status: 'ended', proxyRunId: 'proxy' },
  ]);
});

test('the proxy’s own run is listed only when all are asked for', async () => {
  const dbFile = await freshDatabase();
  const thread = openThread(dbFile);
  const own = thread.openRun(runStartOfTests({ id: 'proxy', kind: 'proxy', argv: ['tapes', 'proxy'] }));
  await own.ready;
  const list = (isAll: boolean): Promise<string[]> =>
    withLibrary(dbFile, async (library) => (await library.listRuns({ limit: 9, all: isAll })).map(({ id }) => id));
  await expect.poll(() => list(true).catch(() => [])).toEqual(['proxy']);
  expect(await list(false)).toEqual([]);
  await end(own);
  thread.leave();
  expect(await list(false)).toEqual([]);
});

test('a title asked for in the proxy’s own run goes to the session it is for, also when derived again', async () => {
  const dbFile = await freshDatabase();
  const thread = openThread(dbFile);
  const own = thread.openRun(runStartOfTests({ id: 'proxy', kind: 'proxy' }));
  const run = thread.openRun(sessionRun('run-1'));
  push(run, (script) => script.call('ex-1', { prompt: 'mend the parser' }).answer('ex-1', plainAnswer('Done.')));
  await expect
    .poll(() => all(dbFile, 'SELECT id FROM calls').catch(() => []), { timeout: 20_000 })
    .toEqual([{ id: 'ex-1' }]);
  push(own, (script) =>
    script
      .call('title', {
        session: 'title-session',
        thread: 'title-thread',
        metadata: { thread_source: 'thread_title' },
        prompt: 'Name it:\nmend the parser',
      })
      .answer('title', plainAnswer('{"title":"Mending the parser"}')),
  );
  await Promise.all([end(own), end(run)]);
  thread.leave();
  const titles = (): Promise<unknown[]> => all(dbFile, 'SELECT id, kind, title FROM sessions ORDER BY kind DESC');
  const expected = [
    { id: 'session-aaaa-1', kind: 'user', title: 'Mending the parser' },
    { id: 'title-session', kind: 'title', title: null },
  ];
  expect(await titles()).toEqual(expected);
  expect((await rederive(dbFile, () => {})).changed).toMatchObject({ sessions: 0, calls: 0 });
  expect(await titles()).toEqual(expected);
});

test('the limit on what waits is one for all runs, and each run counts its own loss', async () => {
  const dbFile = await freshDatabase();
  const thread = openThread(dbFile, 200_000);
  const [heavy, light] = [thread.openRun(sessionRun('heavy')), thread.openRun(sessionRun('light'))];
  // The thread has not begun when all of this is pushed.
  push(heavy, (script) => {
    script.call('ex-1', { session: 'one', thread: 'one' }).head('ex-1');
    for (let at = 0; at < 20; at++) script.data('ex-1', sse(textDelta('x'.repeat(50_000))));
    return script.end('ex-1');
  });
  await light.ready;
  await expect
    .poll(() => all(dbFile, 'SELECT id FROM calls').catch(() => []), { timeout: 20_000 })
    .toEqual([{ id: 'ex-1' }]);
  push(light, (script) => script.call('ex-2', { session: 'two', thread: 'two' }).answer('ex-2', plainAnswer('Hi.')));
  expect((await end(light)).dropped).toBe(0);
  expect((await end(heavy)).dropped).toBeGreaterThan(10);
  thread.leave();
});
