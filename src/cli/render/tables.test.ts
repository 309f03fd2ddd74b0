import { stripVTControlCharacters } from 'node:util';

import { expect, test } from 'vitest';

import type { Run } from '../../domain/index.ts';
import { noUsage } from '../../domain/index.ts';
import type { ListedSession } from '../../store/index.ts';
import type { Page } from './page.ts';
import { openPaint } from './paint.ts';
import { renderRuns } from './runs-table.ts';
import { renderSessions } from './sessions-table.ts';
import { widthOf } from './text-width.ts';

const now = new Date(2026, 10, 23, 12, 0, 0).getTime();
const at = (msAgo: number): string => new Date(now - msAgo).toISOString();
const page = (width: number | null, isColoured = false): Page => ({ paint: openPaint(isColoured), width, now });

const session = (changes: Partial<ListedSession>): ListedSession => ({
  id: '01a20768-c76b-7cd0-9915-cdb4444ec569',
  shortId: '01a20768',
  kind: 'user',
  agent: 'codex',
  agentVersion: '0.169.0',
  cwd: '/home/dev/project',
  title: null,
  firstPrompt: null,
  status: 'completed',
  startedAt: at(300_000),
  endedAt: at(300_000),
  threads: 1,
  turns: 2,
  calls: 3,
  models: ['gpt-6.1-sol'],
  usage: { ...noUsage, totalTokens: 14_230 },
  costUsd: null,
  ...changes,
});

const run = (changes: Partial<Run>): Run => ({
  id: '3f9a0c1d2e3f4a5b6c7d',
  agent: 'codex',
  argv: ['codex', 'exec', "fix the parser's tests"],
  cwd: '/home/dev/project',
  label: null,
  kind: 'intercept',
  proxyRunId: null,
  startedAt: at(300_000),
  endedAt: at(288_000),
  exitCode: 0,
  signal: null,
  calls: 3,
  exchanges: 19,
  dropped: 0,
  status: 'ended',
  ...changes,
});

test('sessions at 80 columns: the title is cut to fit', () => {
  const table = renderSessions(
    [
      session({
        status: 'streaming',
        endedAt: null,
        firstPrompt: 'find out why the build is slow\nand fix it, please',
      }),
      session({
        shortId: '01a20768-d',
        title: 'Fix the parser',
        turns: 12,
        calls: 130,
        usage: { ...noUsage, totalTokens: 1_310_000 },
      }),
      session({
        shortId: '01a20770',
        kind: 'title',
        status: 'failed',
        endedAt: at(9 * 86_400_000),
        firstPrompt: 'Make a title',
      }),
    ],
    page(80),
  );

  expect(table.split('\n')).toEqual([
    'ID          LAST        TURNS  CALLS  TOKENS  STATUS     TITLE',
    '01a20768    now             2      3   14.2k  streaming  find out why the build…',
    '01a20768-d  5 min ago      12    130    1.3M  completed  Fix the parser',
    '01a20770    2026-11-14      2      3   14.2k  failed     (title request) Make a…',
  ]);
  for (const line of table.split('\n')) expect(widthOf(line)).toBeLessThanOrEqual(80);
});

test('in a pipe nothing is cut and nothing is coloured', () => {
  const table = renderSessions(
    [session({ firstPrompt: 'find out why the build is slow and fix it, please' })],
    page(null),
  );

  expect(table.split('\n')[1]).toBe(
    '01a20768  5 min ago      2      3   14.2k     –  completed  find out why the build is slow and fix it, please',
  );
});

test('where there is room, sessions say what they cost; what has no price costs not nothing', () => {
  const table = renderSessions(
    [session({ costUsd: 0.1234, title: 'Priced' }), session({ title: 'No price' })],
    page(100),
  );

  expect(table.split('\n')).toEqual([
    'ID        LAST       TURNS  CALLS  TOKENS     COST  STATUS     TITLE',
    '01a20768  5 min ago      2      3   14.2k  $0.1234  completed  Priced',
    '01a20768  5 min ago      2      3   14.2k        –  completed  No price',
  ]);
});

test('agents are told apart where there are several', () => {
  const table = renderSessions([session({}), session({ agent: 'claude' })], page(80));

  expect(table.split('\n').map((line) => line.slice(21, 27))).toEqual(['AGENT ', 'codex ', 'claude']);
});

test('colour says what did not go well, and is no part of the width', () => {
  const plain = renderSessions([session({ status: 'failed', title: 'Fix it' })], page(80));
  const coloured = renderSessions([session({ status: 'failed', title: 'Fix it' })], page(80, true));

  expect(coloured).toContain('\u001b[31mfailed\u001b[39m');
  expect(stripVTControlCharacters(coloured)).toBe(plain);
});

test('what a recording holds cannot draw on the terminal', () => {
  const table = renderSessions([session({ title: 'a\u001b]0;owned\u0007b\nc' })], page(80, false));

  expect(table.split('\n')).toHaveLength(2);
  expect(table).toContain('a␛]0;owned␇b c');
});

test('runs at 80 columns: how each ended, and its command as one would type it', () => {
  const table = renderRuns(
    [
      run({ status: 'running', endedAt: null, exitCode: null }),
      run({ id: '77aa1b2c3d', exitCode: 1, label: 'second try' }),
      run({ id: '88aa1b2c3d', signal: 'SIGTERM', exitCode: null, calls: 0 }),
      run({ id: '99aa1b2c3d', status: 'interrupted', endedAt: null, exitCode: null, dropped: 12 }),
    ],
    page(80),
  );

  expect(table.split('\n')).toEqual([
    'ID        STARTED       LASTED  CALLS  REQUESTS  LOST  RESULT       COMMAND',
    '3f9a0c1d  5 min ago  5 min 0 s      3        19        running      codex exec …',
    '77aa1b2c  5 min ago     12.0 s      3        19        exit 1       second try',
    '88aa1b2c  5 min ago     12.0 s      0        19        SIGTERM      codex exec …',
    '99aa1b2c  5 min ago                 3        19    12  interrupted  codex exec …',
  ]);
  expect(renderRuns([run({ argv: ['/opt/bin/codex', '-C', '/x'] })], page(null))).toContain('  codex -C /x');
  expect(renderRuns([run({})], page(null))).toContain(String.raw`codex exec 'fix the parser'\''s tests'`);
});
