// `tapes prune` as it is typed: what goes, what stays and still reads back, and that the file shrinks.
import { createHash } from 'node:crypto';
import { mkdtemp, rm, stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';

import { expect, onTestFinished, test } from 'vitest';

import { openRunRecorder, recordScript } from '../../../test/support/record-script.ts';
import { runCommand } from '../../../test/support/command-line.ts';
import { opening, plainAnswer, userMessage, WireScript } from '../../../test/support/wire-script.ts';
import { openBodyReader } from '../../store/body-reader.ts';
import { Connection } from '../../store/connection.ts';
import { withLibrary } from '../../store/index.ts';
import type { BodySide, PruneReport } from '../../store/index.ts';

const turn = 'turn-aaaa-1';
const shared = [...opening(turn), userMessage('what all sessions share', turn)];
const noise = (seed: string, bytes: number): string => {
  let text = '';
  for (let at = 0; text.length < bytes; at += 1) text += createHash('sha256').update(`${seed} ${at}`).digest('base64');
  return text.slice(0, bytes);
};
const said = (text: string, id: string): object => userMessage(text, turn, id);
const day = (date: number): number => Date.UTC(2026, 0, date, 12);

/** session-a (1 January), its fork session-f (10 January) and session-c (20 January), each a run of its own. */
async function recordThree(): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'tapes-prune-'));
  onTestFinished(() => rm(folder, { recursive: true, force: true }));
  const dbFile = join(folder, 'tapes.db');
  const history = [...shared, said(noise('history', 20_000), 'msg_2')];
  const record = (session: string, date: number, inputs: readonly (readonly object[])[]): Promise<unknown> =>
    recordScript(
      (script) =>
        inputs.forEach((input, at) =>
          script
            .call(`${session}-${at}`, { session, input })
            .answer(`${session}-${at}`, plainAnswer(noise(`${session} ${at}`, 30_000), `resp_${session}_${at}`)),
        ),
      { dbFile, at: day(date), run: { id: `run-${session}`, startedAt: day(date) } },
    );
  await record('session-a', 1, [history, [...history, said(noise('only of a', 200_000), 'msg_a')]]);
  await record('session-f', 10, [[...history, said('the fork goes its own way', 'msg_f')]]);
  await record('session-c', 20, [[...shared, said('something else', 'msg_c')]]);
  return dbFile;
}

async function readBodies(dbFile: string): Promise<Map<string, string>> {
  const connection = await Connection.open(dbFile, 'read');
  const reader = openBodyReader(connection);
  const rows = await connection.all<{ call_id: string; side: BodySide }>('SELECT call_id, side FROM bodies');
  const bodies = new Map<string, string>();
  for (const { call_id: id, side } of rows) {
    bodies.set(`${id} ${side}`, Buffer.from((await reader.readWhole(id, side))!).toString());
  }
  await connection.close();
  return bodies;
}

const counted = [
  'sessions',
  'calls',
  'exchanges',
  'runs',
  'items',
  'nodes',
  'header_parts',
  'turns',
  'threads',
  'call_times',
];

async function count(dbFile: string): Promise<Record<string, number>> {
  const connection = await Connection.open(dbFile, 'read');
  const counts: Record<string, number> = {};
  for (const table of counted) {
    counts[table] = (await connection.get<{ count: number }>(`SELECT count(*) AS count FROM ${table}`))!.count;
  }
  await connection.close();
  return counts;
}

/** What of a database is not as it was recorded. */
const readProblems = (dbFile: string): Promise<readonly unknown[]> =>
  withLibrary(dbFile, async (library) => (await library.verify(() => {})).problems);

const of = (bodies: Map<string, string>, ...sessions: string[]): Map<string, string> =>
  new Map([...bodies].filter(([key]) => sessions.some((session) => key.startsWith(session))));

async function prune(dbFile: string, ...words: string[]): Promise<PruneReport> {
  const { stdout, error } = await runCommand('prune', '--json', '--db', dbFile, ...words);
  expect(error).toBeNull();
  return JSON.parse(stdout) as PruneReport;
}

test('a session goes with all that only it needed; the session that was forked from it still reads back', async () => {
  const dbFile = await recordThree();
  const before = { bodies: await readBodies(dbFile), counts: await count(dbFile), size: (await stat(dbFile)).size };

  const dry = await prune(dbFile, '--session', 'session-a', '--dry-run');
  expect(await count(dbFile)).toEqual(before.counts);
  const report = await prune(dbFile, '--session', 'session-a');

  const after = (await stat(dbFile)).size;
  expect(report).toEqual({ ...dry, dryRun: false, fileBytesAfter: expect.any(Number) as number });
  expect(report).toMatchObject({ sessions: 1, calls: 2, exchanges: 2, runs: 1, items: 1, activeSessions: 0 });
  expect(report.contentBytes).toBeGreaterThan(200_000);
  expect(report.fileBytesAfter).toBe(after);
  expect(before.size - after).toBeGreaterThan(180_000);
  expect(await readBodies(dbFile)).toEqual(of(before.bodies, 'session-f', 'session-c'));
  expect(await count(dbFile)).toMatchObject({
    sessions: 2,
    calls: 2,
    exchanges: 2,
    runs: 2,
    items: before.counts['items']! - 1,
    nodes: before.counts['nodes']! - 1,
    // The requests' list of a session; the responses' is that of the others too.
    header_parts: before.counts['header_parts']! - 1,
    turns: 2,
    threads: 2,
    call_times: 2,
  });
  expect(await readProblems(dbFile)).toEqual([]);
});

test('--older-than goes by the newest call of a session, and takes empty runs of that time too', async () => {
  const dbFile = await recordThree();
  await recordScript(() => null, { dbFile, at: day(2), run: { id: 'run-empty', startedAt: day(2) } });
  const bodies = await readBodies(dbFile);

  expect(await prune(dbFile, '--older-than', '2026-01-15')).toMatchObject({ sessions: 2, calls: 3, runs: 3 });

  expect(await readBodies(dbFile)).toEqual(of(bodies, 'session-c'));
  expect(await count(dbFile)).toMatchObject({ sessions: 1, runs: 1, items: shared.length + 1 });
  expect(await prune(dbFile, '--older-than', '2026-01-15')).toMatchObject({ sessions: 0, calls: 0, contentBytes: 0 });
});

test('--keep-bytes takes no more sessions than it must, the longest idle first', async () => {
  const dbFile = await recordThree();
  const bodies = await readBodies(dbFile);
  const { size } = await stat(dbFile);

  expect(await prune(dbFile, '--keep-bytes', '1GB')).toMatchObject({ sessions: 0 });
  const report = await prune(dbFile, '--keep-bytes', `${size - 100_000}`);

  expect(report).toMatchObject({ sessions: 1, calls: 2 });
  expect(report.fileBytesAfter).toBeLessThan(size - 100_000);
  expect(await readBodies(dbFile)).toEqual(of(bodies, 'session-f', 'session-c'));
  expect(await prune(dbFile, '--keep-bytes', '0')).toMatchObject({ sessions: 2, calls: 2, runs: 2 });
  expect(await count(dbFile)).toMatchObject({
    sessions: 0,
    items: 0,
    nodes: 0,
    runs: 0,
    exchanges: 0,
    header_parts: 0,
  });
});

test('what a run is recording stays, and it finds all that it counts on', async () => {
  const dbFile = await recordThree();
  const recorder = openRunRecorder(dbFile, { run: { id: 'run-live', startedAt: day(25), pid: process.pid } });
  await recorder.ready;
  const history = [...shared, said(noise('history', 20_000), 'msg_2')];
  const push = (write: (script: WireScript) => unknown, date: number): void => {
    const script = new WireScript(day(date));
    write(script);
    for (const event of script.events) recorder.push(event);
  };
  push((script) => script.call('live-1', { session: 'session-l', input: history }).head('live-1'), 25);
  await expect.poll(async () => (await count(dbFile))['calls']).toBe(5);

  const refused = await runCommand('prune', '--session', 'session-l', '--db', dbFile);
  expect(refused.error).toMatchObject({ code: 'E_SESSION_ACTIVE' });
  expect(await prune(dbFile, '--keep-bytes', '0')).toMatchObject({ sessions: 3, calls: 4, activeSessions: 1 });

  push((script) => script.end('live-1'), 25);
  const again = [...history, said(noise('only of a', 200_000), 'msg_a')];
  push(
    (script) => script.call('live-2', { session: 'session-a', input: again }).answer('live-2', plainAnswer('Yes.')),
    26,
  );
  recorder.endRun({ exitCode: 0, signal: null, endedAt: day(26) });
  expect(await recorder.close()).toMatchObject({ dropped: 0, problems: [] });

  expect(await readProblems(dbFile)).toEqual([]);
  const now = await readBodies(dbFile);
  expect(JSON.parse(now.get('live-2 request')!)).toMatchObject({ input: again });
  expect(JSON.parse(now.get('live-1 request')!)).toMatchObject({ input: history });
  expect([...now.keys()].sort()).toEqual(['live-1 request', 'live-2 request', 'live-2 response']);
});

test('recorders that start, resume and go on while all is pruned again and again lose nothing', async () => {
  const dbFile = await recordThree();
  const history = [...shared, said(noise('history', 20_000), 'msg_2')];
  const input = (at: number): object[] => [
    ...history,
    ...Array.from({ length: at }, (_, n) => said(noise(`${n}`, 500), `msg_n${n}`)),
  ];
  const done = { prunes: 0 };
  const record = async (name: string): Promise<void> => {
    for (let run = 0; done.prunes < 8; run += 1) {
      const { report } = await recordScript(
        (script) => {
          for (let at = 0; at < 6; at += 1) {
            const id = `${name}-${run}-${at}`;
            script.call(id, { session: 'session-a', input: input(at) }).answer(id, plainAnswer('Yes.', id));
          }
        },
        { dbFile, at: day(27), run: { id: `${name}-${run}`, pid: process.pid } },
      );
      expect(report.problems).toEqual([]);
    }
  };
  const recorded = Promise.allSettled([record('x'), record('y')]);
  for (; done.prunes < 8; done.prunes += 1) await prune(dbFile, '--older-than', '2026-12-01');
  expect((await recorded).map((outcome) => outcome.status === 'rejected' && (outcome.reason as Error).message)).toEqual(
    [false, false],
  );

  const connection = await Connection.open(dbFile, 'read');
  expect(await connection.get('PRAGMA integrity_check')).toEqual({ integrity_check: 'ok' });
  expect(await connection.all('PRAGMA foreign_key_check')).toEqual([]);
  await connection.close();
  expect(await readProblems(dbFile)).toEqual([]);
  for (const [key, body] of await readBodies(dbFile)) {
    if (key.endsWith('request')) expect(JSON.parse(body)).toMatchObject({ input: expect.any(Array) as object });
  }
});

test('says what was removed and how many bytes came back; a dry run says the same', async () => {
  const dbFile = await recordThree();

  const dry = await runCommand('prune', '--session', 'session-a', '--dry-run', '--db', dbFile);
  const real = await runCommand('prune', '--session', 'session-a', '--db', dbFile);

  expect(dry.stdout).toMatch(/^would remove 1 session, 2 calls, 2 exchanges, 1 item, 1 run: [\d,]+ bytes of content\n/);
  expect(dry.stdout).toContain('nothing was changed');
  expect(real.stdout.split('\n')[0]).toBe(dry.stdout.split('\n')[0]!.replace('would remove', 'removed'));
  expect(real.stdout).toMatch(/\n[1-9][\d,]+ bytes given back: the database takes [\d,]+ bytes \(before: /);
});

test.each([
  [[], /nothing unless it is told what/],
  [['--session', 'x', '--older-than', '3d'], /one of --older-than, --keep-bytes and --session/],
  [['--older-than', 'soon'], /--older-than soon is neither a span/],
  [['--keep-bytes', '5 apples'], /--keep-bytes 5 apples is not a size/],
])('prune %j is refused with words that help', async (words, message) => {
  const folder = await mkdtemp(join(tmpdir(), 'tapes-prune-'));
  onTestFinished(() => rm(folder, { recursive: true, force: true }));
  const { error } = await runCommand('prune', ...words, '--home', dirname(join(folder, 'x')));
  expect(error).toMatchObject({ code: 'E_USAGE', message: expect.stringMatching(message) as string });
});
