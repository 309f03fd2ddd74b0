// `tapes search` as it is typed.
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { beforeAll, describe, expect, test, vi } from 'vitest';

import { recordScript } from '../../../test/support/record-script.ts';
import { runCommand } from '../../../test/support/command-line.ts';
import { completed, created, itemDone, plainAnswer } from '../../../test/support/wire-script.ts';
import type { Page } from '../render/page.ts';
import { openPaint } from '../render/paint.ts';
import { renderFound } from '../render/found.ts';

let home: string;
const long = `${'before '.repeat(60)}the needle\u001b]0;title\u0007 is\nhere ${'after '.repeat(60)}`;
const call = { type: 'function_call', id: 'fc_1', call_id: 'call_1', name: 'exec', arguments: '{"cmd":"find needle"}' };

beforeAll(async () => {
  home = await mkdtemp(join(tmpdir(), 'tapes-search-'));
  await recordScript(
    (script) =>
      script
        .call('c0ffee0001', { prompt: 'find the needle' })
        .answer('c0ffee0001', [created(), itemDone(call), completed()])
        .wait(5000)
        .call('beef000002', { session: 'session-b', turn: 'turn-b', prompt: 'what is here?' })
        .answer('beef000002', plainAnswer(long, 'resp_2')),
    { dbFile: join(home, 'tapes.db') },
  );
  return () => rm(home, { recursive: true, force: true });
});

const search = (...words: string[]) => runCommand('search', '--home', home, ...words);
const json = async (...words: string[]): Promise<unknown> =>
  JSON.parse((await search('--json', ...words)).stdout) as unknown;

describe('search', () => {
  test('--json has what docs/cli.md promises, the newest first', async () => {
    expect(await json('needle', '--role', 'user')).toEqual([
      {
        callId: 'c0ffee0001',
        turnId: 'turn-aaaa-1',
        sessionId: 'session-aaaa-1',
        threadId: 'session-aaaa-1',
        type: 'message',
        role: 'user',
        snippet: 'find the needle',
        hits: [[9, 15]],
        startedAt: '2026-11-23T12:00:00.000Z',
      },
    ]);
    expect(await json('NEEDLE')).toMatchObject([
      { callId: 'beef000002', type: 'message', role: 'assistant' },
      { callId: 'c0ffee0001', type: 'function_call', role: 'assistant' },
      { callId: 'c0ffee0001', type: 'message', role: 'user' },
    ]);
  });

  test('phrases, filters and limit choose', async () => {
    expect(await json('find needle')).toMatchObject([{ type: 'function_call' }]);
    expect(await json('find', 'needle')).toHaveLength(2);
    expect(await json('needle "find the"')).toMatchObject([{ role: 'user' }]);
    expect(await json('needle', '--session', 'session-b')).toMatchObject([{ sessionId: 'session-b' }]);
    expect(await json('needle', '--session', 'last')).toMatchObject([{ sessionId: 'session-b' }]);
    expect(await json('needle', '--type', 'call')).toMatchObject([{ type: 'function_call' }]);
    expect(await json('needle', '--since', '2026-11-23T12:00:03Z')).toMatchObject([{ callId: 'beef000002' }]);
    const [first] = (await json('needle', '--until', '2026-11-23T12:00:03Z')) as { callId: string }[];
    expect(first).toMatchObject({ callId: 'c0ffee0001' });
    expect(await json('needle', '--until', '2026-11-20')).toEqual([]);
    expect(await json('needle', '--since', '2026-11-22', '--until', '2026-11-24')).toHaveLength(3);
    expect(await json('needle', '--limit', '1')).toHaveLength(1);
  });

  test('for people: where it was, and the words around it, harmless and on few lines', async () => {
    const { stdout, stderr } = await search('needle');
    expect(stderr).toBe('');
    expect(stdout).toMatch(/^beef0000 · answer · session session-b · /);
    expect(stdout).toMatch(/^ {4}….*before the needle␛]0;title␇ is here after.*…$/m);
    expect(stdout).toMatch(/^c0ffee00 · tool call · session session-a · .*\n {4}exec \{"cmd":"find needle"\}$/m);
    expect(stdout).toMatch(/^c0ffee00 · prompt · session session-a · .*\n {4}find the needle\n$/m);
  });

  test('on a terminal the hit is bold, also where a line ends within it, and no word is wider than the terminal', () => {
    const page: Page = { paint: openPaint(true), width: 40, now: Date.parse('2026-11-23T12:00:00Z') };
    const shown = renderFound(
      [
        {
          callId: 'c1',
          shortCallId: 'c1',
          turnId: null,
          sessionId: 's1',
          shortSessionId: 's1',
          threadId: 's1',
          type: 'function_call_output',
          role: 'tool',
          snippet: [
            { text: 'some words that are before ', isHit: false },
            { text: 'what was sought\u001b[2J', isHit: true },
            { text: `! ${'long'.repeat(20)} `, isHit: false },
            { text: 'sought'.repeat(10), isHit: true },
            { text: ' on', isHit: false },
          ],
          startedAt: '2026-11-23T12:00:00.000Z',
        },
      ],
      page,
    );
    const bold = (text: string): string => `\u001b[1m\u001b[32m${text}\u001b[39m\u001b[22m`;
    expect(shown.split('\n').slice(1)).toEqual([
      `    some words that are before ${bold('what was')}`,
      `    ${bold('sought␛[2J')}!`,
      `    ${'long'.repeat(8)}lon…`,
      `    ${bold(`${'sought'.repeat(5)}soug…`)}`,
      '    on',
    ]);
  });

  test('nothing found is a sentence on stderr, and an empty list for programs', async () => {
    expect(await search('unicorn')).toEqual({ stdout: '', stderr: 'tapes: nothing found\n', error: null });
    expect(await json('unicorn')).toEqual([]);
  });

  test('no word at all, a role that is none, a session that is none', async () => {
    expect((await search('***', '"')).error).toMatchObject({ code: 'E_USAGE', exitCode: 2 });
    expect((await search('x', '--role', 'developer')).error).toMatchObject({ code: 'E_USAGE' });
    expect((await search('x', '--until', 'soon')).error).toMatchObject({
      code: 'E_USAGE',
      message: expect.stringMatching(/^--until soon is neither a span/) as unknown,
    });
    expect((await search('x', '--session', 'zzz')).error).toMatchObject({ code: 'E_NOT_FOUND' });
    vi.restoreAllMocks();
  });
});
