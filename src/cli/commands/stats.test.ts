// `tapes stats` as it is typed, over a recording of two days, three models' worth of kinds and one call that tapes died in.
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { beforeAll, describe, expect, test } from 'vitest';

import { recordScript } from '../../../test/support/record-script.ts';
import { runCommand } from '../../../test/support/command-line.ts';
import { assistantMessage, completed, created, itemDone, plainAnswer } from '../../../test/support/wire-script.ts';
import { Connection } from '../../store/connection.ts';
import type { Stats } from '../../app/read-stats.ts';

let home: string;
const limits = [
  ['x-codex-primary-used-percent', '12.5'],
  ['x-codex-primary-window-minutes', '300'],
  ['x-codex-primary-reset-at', '1795510000'],
] as const;

beforeAll(async () => {
  home = await mkdtemp(join(tmpdir(), 'tapes-stats-'));
  const dbFile = join(home, 'tapes.db');
  const day = (date: number): number => new Date(2026, 10, date, 12).getTime();
  await recordScript(
    (script) =>
      script
        .call('warm', { kind: 'prewarm', turn: '', input: [] })
        .answer('warm', [
          created(),
          { type: 'response.completed', response: { id: 'w', status: 'completed', output: [] } },
        ])
        .call('c1', {})
        .wait(200)
        .answer('c1', plainAnswer('One.'), limits)
        .wait(1000)
        .call('c2', { turn: 'turn-2', prompt: 'more' })
        .wait(400)
        .answer('c2', plainAnswer('Two.', 'resp_2')),
    { dbFile, at: day(20), run: { id: 'run-1' } },
  );
  await recordScript(
    (script) =>
      script
        .call('t1', { session: 'title-1', kind: 'turn', metadata: { thread_source: 'thread_title' } })
        .answer('t1', [created(), itemDone(assistantMessage('{"title":"Two"}')), completed()])
        .call('c3', { session: 'session-b', turn: 'turn-b' })
        .head('c3', { status: 500 })
        .end('c3'),
    { dbFile, at: day(22), run: { id: 'run-2' } },
  );
  const connection = await Connection.open(dbFile, 'write');
  await connection.exec(`
    INSERT INTO runs SELECT 'run-3', agent, argv, cwd, label, version, hostname, 999999, 'long ago', started_at, NULL, NULL, NULL, 0, 0, '[]', kind, proxy_run_id FROM runs LIMIT 1;
    UPDATE calls SET run_id = 'run-3', status = 'streaming' WHERE id = 'c3';`);
  await connection.close();
  return () => rm(home, { recursive: true, force: true });
});

const stats = async (...words: string[]): Promise<Stats> =>
  JSON.parse((await runCommand('stats', '--json', '--home', home, ...words)).stdout) as Stats;

describe('stats', () => {
  test('--json has what docs/cli.md promises', async () => {
    const all = await stats();
    expect(all).toMatchObject({
      calls: 5,
      turns: 3,
      sessions: 2,
      usage: { inputTokens: 300, cachedInputTokens: 120, outputTokens: 36, reasoningTokens: 15, totalTokens: 336 },
      cachedShare: 0.4,
      costUsd: 0.000732,
      unpricedModels: [],
      ttftMs: { median: 230, p90: 430 },
      byModel: [{ model: 'gpt-6.1-sol', calls: 5 }],
      byDay: [
        { day: '2026-11-20', calls: 3, usage: { inputTokens: 200 } },
        { day: '2026-11-22', calls: 2 },
      ],
      bySession: [
        { id: 'session-aaaa-1', shortId: 'session-a', title: 'list the files', calls: 3 },
        { id: 'session-b', title: 'Two' },
      ],
      // The call of the dead run is not waited for.
      statuses: { completed: 4, interrupted: 1 },
      rateLimits: {
        seenAt: expect.stringMatching(/^2026-11-20T/) as string,
        primary: { usedPercent: 12.5, windowMinutes: 300, resetsAt: '2026-11-24T08:46:40.000Z' },
      },
    });
    expect(all.outputTokensPerSecond).toBeGreaterThan(0);
    expect(all.storage.dbBytes).toBeGreaterThan(50_000);
    expect(all.storage.decodedRequestBytes).toBeGreaterThan(1000);
    expect(all.storage.responseBytes).toBeGreaterThan(1000);
    expect(Object.fromEntries(all.byKind.map(({ kind, calls }) => [kind, calls]))).toEqual({
      turn: 3,
      prewarm: 1,
      title: 1,
    });
  });

  test('--since, --agent and --limit choose', async () => {
    expect(await stats('--since', '2026-11-21')).toMatchObject({ calls: 2, turns: 1, sessions: 1 });
    expect(await stats('--agent', 'codex')).toMatchObject({ calls: 5 });
    expect(await stats('--agent', 'other')).toMatchObject({ calls: 0, sessions: 0, turns: 0, rateLimits: null });
    const { byDay, bySession, sessions } = await stats('--limit', '1');
    expect([byDay.map(({ day }) => day), bySession.length, sessions]).toEqual([['2026-11-22'], 1, 2]);
  });

  test('the tables say it in 80 columns', async () => {
    const { stdout, stderr } = await runCommand('stats', '--home', home);
    expect(stderr).toBe('');
    expect(Math.max(...stdout.split('\n').map((line) => line.length))).toBeLessThanOrEqual(80);
    expect(stdout).toContain('2 sessions · 3 turns · 5 calls (1 title, 1 prewarm among them)');
    expect(stdout).toContain('300 tokens in (40 % cached), 36 out (15 reasoning)\ncost $0.0007\n');
    expect(stdout).toMatch(/^first token after 230 ms, 9 of 10 within 430 ms · [\d.]+ tokens\/s$/m);
    expect(stdout).toMatch(/^gpt-6\.1-sol +5 +300 +40 % +36 +\$0\.0007 +230 ms/m);
    expect(stdout).toMatch(/^2026-11-20 +3 +200/m);
    expect(stdout).toMatch(/^session-a +3 +200 .* list the files$/m);
    expect(stdout).toMatch(/^primary, 5 h: 12.5 % used/m);
  });

  test('a price that is missing is said, beside what is known', async () => {
    const prices = { 'gpt-6.1-sol': { input: 1, cachedInput: 1, output: 1, until: '2026-11-21' } };
    await writeFile(join(home, 'prices.json'), JSON.stringify(prices));
    const { stdout } = await runCommand('stats', '--home', home);
    const { costUsd, knownCostUsd, unpricedModels } = await stats();
    await rm(join(home, 'prices.json'));

    expect({ costUsd, knownCostUsd, unpricedModels }).toEqual({
      costUsd: null,
      knownCostUsd: 0.000224,
      unpricedModels: ['gpt-6.1-sol'],
    });
    expect(stdout).toContain('cost $0.0002 and no price for gpt-6.1-sol');
    expect(stdout).toMatch(/^gpt-6\.1-sol .* \$0\.0002\+ /m);
  });

  test('calls on both sides of a threshold are priced each by its own size', async () => {
    const mine = { cachedInput: 0, output: 0 };
    const prices = [
      { ...mine, input: 0, upToInputTokens: 99 },
      { ...mine, input: 1_000_000, aboveInputTokens: 99, upToInputTokens: 100 },
    ];
    await writeFile(join(home, 'prices.json'), JSON.stringify({ 'gpt-6.1-sol': prices }));
    const { costUsd, calls, usage, statuses } = await stats();
    await rm(join(home, 'prices.json'));

    // Each of the three calls that reported usage had 60 tokens in that were not cached.
    expect({ costUsd, calls, input: usage.inputTokens, statuses }).toEqual({
      costUsd: 180,
      calls: 5,
      input: 300,
      statuses: { completed: 4, interrupted: 1 },
    });
  });

  test('nothing to sum up is a sentence on stderr', async () => {
    expect(await runCommand('stats', '--home', home, '--agent', 'other')).toEqual({
      stdout: '',
      stderr: 'tapes: no calls to sum up. Record some with: tapes intercept -- codex\n',
      error: null,
    });
  });
});
