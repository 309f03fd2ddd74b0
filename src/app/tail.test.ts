// `tapes tail` while another process records.
import { spawn } from 'node:child_process';
import { fileURLToPath } from 'node:url';

import { expect, onTestFinished, test } from 'vitest';

import { freshDatabase, recordScript } from '../../test/support/record-script.ts';
import { created, plainAnswer } from '../../test/support/wire-script.ts';
import type { TailEvent } from './tail-events.ts';
import { tail } from './tail.ts';

const program = fileURLToPath(new URL('../../test/support/record-until-killed.ts', import.meta.url));
const project = fileURLToPath(new URL('../..', import.meta.url));

/** Several tests at once may keep both processors busy. */
const patient = { timeout: 30_000 };

interface Tailed {
  readonly events: TailEvent[];
  readonly said: string[];
  stop(): Promise<void>;
}

function startTail(dbFile: string, more: { session?: string; all?: boolean } = {}): Tailed {
  const [events, said]: [TailEvent[], string[]] = [[], []];
  const stop = new AbortController();
  const ended = tail(
    { db: dbFile },
    {
      all: false,
      ...more,
      signal: stop.signal,
      tell: (more) => void events.push(...more),
      say: (line) => void said.push(line),
    },
  );
  const end = (): Promise<void> => {
    stop.abort();
    return ended;
  };
  onTestFinished(end);
  return { events, said, stop: end };
}

const factsOf = ({ events }: Tailed): string[] =>
  events.map((event) => ('callId' in event ? `${event.type} ${event.callId}` : `${event.type} ${event.prompt}`));

test('waits for the first recording, follows it, and notices that its recorder was killed', async () => {
  const dbFile = await freshDatabase();
  const tailed = startTail(dbFile);
  await expect.poll(() => tailed.said, patient).toEqual([`nothing has been recorded yet; waiting for ${dbFile}`]);

  const recorder = spawn(process.execPath, ['--import', 'tsx', program, dbFile], { cwd: project, stdio: 'ignore' });
  onTestFinished(() => void recorder.kill('SIGKILL'));
  const start = ['turnStarted list the files', 'callStarted ex-1', 'output ex-1', 'callEnded ex-1'];
  const open = ['turnStarted count', 'callStarted ex-2'];
  await expect.poll(() => factsOf(tailed).toSorted(), patient).toEqual([...start, ...open].toSorted());
  expect(tailed.events.find(({ type }) => type === 'callEnded')).toMatchObject({
    status: 'completed',
    usage: { inputTokens: 100, cachedInputTokens: 40 },
    sessionId: 'session-aaaa-1',
    turnId: 'turn-aaaa-1',
  });

  // Another one that begins now tells what is running now, and nothing of what is over.
  const late = startTail(dbFile);
  await expect.poll(() => factsOf(late), patient).toEqual(open);

  recorder.kill('SIGKILL');
  for (const each of [tailed, late]) {
    await expect
      .poll(() => each.events.at(-1), patient)
      .toMatchObject({ type: 'callEnded', callId: 'ex-2', status: 'interrupted' });
  }
  await tailed.stop();
  expect(tailed.said).toHaveLength(1);
});

test('tells of one session, and of title requests only when asked', async () => {
  const dbFile = await freshDatabase();
  await recordScript((script) => script.call('old').answer('old', plainAnswer('Old.')), { dbFile });
  const everything = startTail(dbFile, { all: true });
  const usual = startTail(dbFile);
  const one = startTail(dbFile, { session: 'session-b' });
  const last = startTail(dbFile, { session: 'last' });
  await expect
    .poll(() => one.said, patient)
    .toContain('no recorded session begins with "session-b" yet; waiting for one');
  for (const { said } of [everything, usual, one, last]) {
    await expect.poll(() => said, patient).toContain('nothing is running; waiting for the next call');
  }

  await recordScript(
    (script) =>
      script
        .call('mine', { session: 'session-bbbb', turn: 'b' })
        .answer('mine', plainAnswer('B.'))
        .call('title', { session: 'session-t', turn: 't', metadata: { thread_source: 'thread_title' } })
        .answer('title', plainAnswer('{"title":"T"}'))
        .call('again', { turn: 'c' })
        .head('again')
        .data('again', `data: ${JSON.stringify(created())}\n\n`)
        .end('again'),
    { dbFile, at: Date.now(), run: { id: 'second' } },
  );
  const endsOf = ({ events }: Tailed): string[] =>
    events.flatMap((event) => (event.type === 'callEnded' ? [`${event.callId} ${event.status}`] : []));
  await expect
    .poll(() => endsOf(everything), patient)
    .toEqual(['mine completed', 'title completed', 'again truncated']);
  await expect.poll(() => endsOf(usual), patient).toEqual(['mine completed', 'again truncated']);
  await expect.poll(() => endsOf(one), patient).toEqual(['mine completed']);
  await expect.poll(() => endsOf(last), patient).toEqual(['again truncated']);
});
