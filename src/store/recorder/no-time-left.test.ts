// More is waiting when a run ends than can be recorded in the time there is: the rest is counted, and the recorder comes to an end.
import { expect, test } from 'vitest';

import { freshDatabase, openRunRecorder } from '../../../test/support/record-script.ts';
import { completed, created, sse, WireScript } from '../../../test/support/wire-script.ts';
import { withLibrary } from '../library.ts';

test('what there is no time for is given up and counted, and what was recorded stays', async () => {
  const dbFile = await freshDatabase();
  const recorder = openRunRecorder(dbFile, { closeAtMostMs: 300 });
  await recorder.ready;
  const script = new WireScript().call('first').head('first');
  for (let at = 0; at < 40; at += 1) script.data('first', Buffer.alloc(4 * 1024 * 1024, `data: ${at} `));
  for (let at = 0; at < 20_000; at += 1) script.data('first', 'data: x\n\n');
  script.end('first');
  for (const event of script.events) recorder.push(event);
  const startedAt = performance.now();
  const { dropped, problems } = await recorder.close();
  // One event may take its time; what waits behind it does not.
  expect(performance.now() - startedAt).toBeLessThan(20_000);
  expect(dropped).toBeGreaterThan(10_000);
  expect(problems).toEqual([
    expect.stringMatching(/^there was no time left to record what was waiting: \d+ events lost$/),
  ]);
  const calls = await withLibrary(dbFile, (library) => library.listSessions({ limit: 5, all: true }));
  expect(calls.length).toBe(1);
});

test('thousands of exchanges that are open when a run ends take no longer than there is time, and the next run finishes them', async () => {
  const dbFile = await freshDatabase();
  const recorder = openRunRecorder(dbFile, { closeAtMostMs: 300 });
  await recorder.ready;
  const script = new WireScript();
  for (let at = 0; at < 4_000; at += 1) script.call(`open-${at}`).head(`open-${at}`);
  for (const event of script.events) recorder.push(event);
  const startedAt = performance.now();
  const { dropped, problems } = await recorder.close();
  expect(performance.now() - startedAt).toBeLessThan(10_000);
  expect(dropped).toBeGreaterThan(0);
  expect(problems).toEqual([
    expect.stringMatching(/^there was no time left to record what was waiting: \d+ events lost$/),
  ]);
  const [run] = await withLibrary(dbFile, (library) => library.listRuns({ limit: 5, all: true }));
  expect(run).toMatchObject({ endedAt: null, dropped: expect.toSatisfy((count: number) => count > 0) });
});

test('what gets on is waited for, also where all of it takes longer than a recorder may stand still', async () => {
  const dbFile = await freshDatabase();
  const slowly = (): void => {
    const until = performance.now() + 3;
    while (performance.now() < until);
  };
  const recorder = openRunRecorder(dbFile, { closeWithinMs: 1_500, onHandled: slowly });
  await recorder.ready;
  const script = new WireScript();
  for (let at = 0; at < 100; at += 1) {
    const id = `call-${at}`;
    script.call(id).head(id).data(id, sse(created())).data(id, sse(completed())).end(id);
  }
  for (const event of script.events) recorder.push(event);
  expect(await recorder.close()).toMatchObject({ calls: 100, dropped: 0, problems: [] });
});

test('nobody has to wait: what is left is dropped where that is asked for, and counted', async () => {
  const dbFile = await freshDatabase();
  let handled = 0;
  const recorder = openRunRecorder(dbFile, {
    onHandled() {
      handled += 1;
      if (handled === 100) recorder.dropWaiting();
    },
  });
  await recorder.ready;
  const script = new WireScript();
  for (let at = 0; at < 200; at += 1) script.call(`call-${at}`).head(`call-${at}`).end(`call-${at}`);
  for (const event of script.events) recorder.push(event);
  const { calls, dropped } = await recorder.close();
  expect(calls).toBeLessThan(100);
  expect(dropped).toBeGreaterThan(script.events.length - 150);
});
