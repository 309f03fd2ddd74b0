// The commands that keep recordings in order, as they are typed: what is on stdout, what is on stderr, which exit code.
import { Command } from 'commander';
import { afterEach, expect, test, vi } from 'vitest';

import { recordScript } from '../../../test/support/record-script.ts';
import { plainAnswer } from '../../../test/support/wire-script.ts';
import { Connection } from '../../store/connection.ts';
import { openProgress } from '../render/progress.ts';
import { addRederiveCommand } from './rederive.ts';
import { addVerifyCommand } from './verify.ts';

afterEach(() => {
  vi.restoreAllMocks();
  process.exitCode = undefined;
});

async function run(...words: string[]): Promise<{ stdout: string; stderr: string; exitCode: unknown }> {
  const written = { stdout: '', stderr: '' };
  for (const name of ['stdout', 'stderr'] as const) {
    vi.spyOn(process[name], 'write').mockImplementation((data) => {
      written[name] += Buffer.from(data).toString();
      return true;
    });
  }
  const program = new Command('tapes');
  addVerifyCommand(program);
  addRederiveCommand(program);
  for (const command of program.commands) command.exitOverride().option('--db <file>', '');
  await program.parseAsync(words, { from: 'user' });
  vi.restoreAllMocks();
  return { ...written, exitCode: process.exitCode };
}

const record = async (): Promise<string> =>
  (await recordScript((script) => script.call('ex-1').answer('ex-1', plainAnswer('Hi.')))).dbFile;

async function change(dbFile: string, sql: string): Promise<void> {
  const connection = await Connection.open(dbFile, 'write');
  await connection.exec(sql);
  await connection.close();
}

test('tapes verify says what it checked, and exits 0 where all fits', async () => {
  const { stdout, stderr, exitCode } = await run('verify', '--db', await record());

  expect(stdout).toMatch(
    /^checked 2 bodies \([\d,]+ bytes\), 3 items, 3 nodes, the headers of 1 exchange\neverything is as it was recorded\n$/,
  );
  expect({ stderr, exitCode }).toEqual({ stderr: '', exitCode: undefined });
});

test('tapes verify lists what does not fit, harmlessly, and exits 1', async () => {
  const dbFile = await record();
  await change(
    dbFile,
    "PRAGMA foreign_keys = OFF; DELETE FROM items WHERE rowid = 1; UPDATE bodies SET call_id = char(27) || 'c' WHERE side = 'response'",
  );

  const { stdout, exitCode } = await run('verify', '--db', dbFile);
  expect(stdout).toContain('DAMAGED  body ex-1 request: it cannot be rebuilt: item ');
  expect(stdout).toMatch(/^DAMAGED {2}node [0-9a-f]{64}: its item [0-9a-f]{64} is missing$/m);
  expect(stdout).not.toContain('\u001b');
  expect(stdout).toMatch(/\d problems\n$/);
  expect(exitCode).toBe(1);

  const json = await run('verify', '--json', '--db', dbFile);
  expect(JSON.parse(json.stdout)).toMatchObject({
    bodies: 2,
    problemCount: expect.any(Number) as number,
    problems: expect.arrayContaining([expect.objectContaining({ what: 'body', id: 'ex-1 request' })]) as object[],
  });
  expect(json.exitCode).toBe(1);
});

test('tapes rederive says what was other than before', async () => {
  const dbFile = await record();
  await change(dbFile, 'UPDATE calls SET model = NULL; UPDATE turns SET prompt = NULL; DELETE FROM search_items');

  const [first, second] = [await run('rederive', '--db', dbFile), await run('rederive', '--db', dbFile)];
  expect(first).toEqual({
    stdout: 'derived 1 call again: changed 1 turn, 1 call, 2 searchable texts\n',
    stderr: '',
    exitCode: undefined,
  });
  expect(second.stdout).toBe('derived 1 call again: nothing was other than before\n');
});

test('tapes rederive names the calls that it had to leave, and exits 1', async () => {
  const dbFile = await record();
  await change(dbFile, 'DELETE FROM items');

  const text = await run('rederive', '--db', dbFile);
  const json = await run('rederive', '--json', '--db', dbFile);
  expect(text.stdout).toMatch(
    /^LEFT {2}call ex-1: the request body of call ex-1 cannot be rebuilt: item [0-9a-f]{64} is missing\n/,
  );
  expect(JSON.parse(json.stdout)).toMatchObject({ left: [{ callId: 'ex-1' }], changed: { calls: 0 } });
  expect([text.exitCode, json.exitCode]).toEqual([1, 1]);
});

test('progress is one line that is taken away again, on a terminal only', () => {
  for (const isTTY of [true, false]) {
    let written = '';
    const progress = openProgress({ isTTY, write: (text) => (written += text) });
    progress.show('checked 1 of 2 items');
    progress.end();
    expect(written).toBe(isTTY ? '\r\u001b[Ktapes: checked 1 of 2 items\r\u001b[K' : '');
  }
});
