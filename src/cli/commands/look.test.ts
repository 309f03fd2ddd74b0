// The commands that look at recordings, as they are typed: what is on stdout, what is on stderr, what fails how.
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { Command } from 'commander';
import { afterEach, beforeAll, describe, expect, test, vi } from 'vitest';

import { recordScript } from '../../../test/support/record-script.ts';
import {
  codexRequest,
  completed,
  created,
  itemDone,
  opening,
  plainAnswer,
  sse,
  userMessage,
} from '../../../test/support/wire-script.ts';
import type { Call } from '../../domain/index.ts';
import { TapesError } from '../../errors.ts';
import { readSince, readUntil } from './list-options.ts';
import { addRawCommand } from './raw.ts';
import { addRunsCommand } from './runs.ts';
import { addSessionsCommand } from './sessions.ts';
import { addShowCommand } from './show.ts';

const turn = 'turn-aaaa-1';
const toolCall = { id: 'fc_1', type: 'function_call', call_id: 'call_1', name: 'exec', arguments: '{"cmd":"ls"}' };
const toolOutput = { type: 'function_call_output', id: 'fco_1', call_id: 'call_1', output: 'README.md' };

let home: string;

beforeAll(async () => {
  home = await mkdtemp(join(tmpdir(), 'tapes-look-'));
  await recordScript(
    (script) =>
      script
        .call('c0ffee01', {})
        .wait(300)
        .answer('c0ffee01', [created(), itemDone(toolCall), completed()])
        .wait(50)
        .call('beef0002', { input: [...opening(turn), userMessage('list the files', turn), toolCall, toolOutput] })
        .wait(300)
        .answer('beef0002', plainAnswer('One file.', 'resp_2')),
    { dbFile: join(home, 'tapes.db'), run: { id: 'feed0003' } },
  );
  return () => rm(home, { recursive: true, force: true });
});

afterEach(() => {
  vi.restoreAllMocks();
});

interface Outcome {
  readonly stdout: string;
  readonly stderr: string;
  readonly error: unknown;
}

async function run(...words: string[]): Promise<Outcome> {
  const written = { stdout: [] as Buffer[], stderr: [] as Buffer[] };
  for (const name of ['stdout', 'stderr'] as const) {
    vi.spyOn(process[name], 'write').mockImplementation((data, ...rest: unknown[]) => {
      written[name].push(Buffer.from(data));
      const done = rest.find((value) => typeof value === 'function');
      if (done !== undefined) (done as () => void)();
      return true;
    });
  }
  const program = new Command('tapes');
  for (const add of [addSessionsCommand, addRunsCommand, addShowCommand, addRawCommand]) add(program);
  for (const command of [program, ...program.commands]) {
    command.exitOverride().option('--home <dir>', '').option('--db <file>', '');
  }
  let error: unknown = null;
  try {
    await program.parseAsync(words, { from: 'user' });
  } catch (thrown) {
    error = thrown;
  }
  vi.restoreAllMocks();
  const read = (parts: readonly Buffer[]): string => Buffer.concat(parts).toString();
  return { stdout: read(written.stdout), stderr: read(written.stderr), error };
}

const json = async (...words: string[]): Promise<unknown> =>
  JSON.parse((await run(...words, '--home', home)).stdout) as unknown;

/** A session of two turns, in the first of which a sub-agent worked. */
async function twoThreads(): Promise<readonly string[]> {
  const { dbFile } = await recordScript((script) =>
    script
      .call('c0ffee01', {})
      .answer('c0ffee01', plainAnswer('One file.'))
      .call('c0ffee02', {
        thread: 'child-1',
        turn: 'turn-c',
        prompt: 'count the lines',
        metadata: { parent_thread_id: 'session-aaaa-1', agent_name: '/root/task_one' },
      })
      .answer('c0ffee02', plainAnswer('Twelve.'))
      .wait(1000)
      .call('c0ffee03', { turn: 'turn-b', prompt: 'and now the tests' })
      .answer('c0ffee03', plainAnswer('Green.')),
  );
  return ['--db', dbFile];
}

describe('sessions and runs', () => {
  test('print tables on stdout and nothing else', async () => {
    const sessions = await run('sessions', '--home', home);
    const runs = await run('runs', '--home', home);

    expect(sessions).toMatchObject({ stderr: '', error: null });
    expect(sessions.stdout).toMatch(
      /^ID {9}LAST .*TITLE\nsession-a .* 1 {6}2 {5}224 {2}\$0.0005 {2}completed {2}list the files\n$/,
    );
    expect(runs).toMatchObject({ stderr: '', error: null });
    expect(runs.stdout).toMatch(/^feed0003 .* exit 0 {2}codex exec 'list the files'$/m);
  });

  test('--json prints the shapes of docs/cli.md', async () => {
    expect(await json('sessions', '--json')).toMatchObject([
      {
        id: 'session-aaaa-1',
        agent: 'codex',
        status: 'completed',
        threads: 1,
        turns: 1,
        calls: 2,
        models: ['gpt-6.1-sol'],
        costUsd: 0.000488,
      },
    ]);
    expect(await json('runs', '--json')).toEqual([
      {
        id: 'feed0003',
        agent: 'codex',
        argv: ['codex', 'exec', 'list the files'],
        cwd: '/home/dev/project',
        kind: 'intercept',
        proxyRunId: null,
        label: null,
        startedAt: '2026-11-23T12:00:00.000Z',
        endedAt: expect.stringMatching(/^2026-11-23T12:00:00\.\d{3}Z$/) as string,
        exitCode: 0,
        signal: null,
        calls: 2,
        exchanges: 2,
        dropped: 0,
        status: 'ended',
      },
    ]);
  });

  test('nothing to show is a sentence on stderr, and an empty list for programs', async () => {
    expect(await run('sessions', '--home', home, '--agent', 'nobody')).toEqual({
      stdout: '',
      stderr: 'tapes: no sessions to show. Record one with: tapes intercept -- codex\n',
      error: null,
    });
    expect(await json('sessions', '--json', '--agent', 'nobody')).toEqual([]);
    expect(await json('runs', '--json', '--since', '2030-01-01')).toEqual([]);
  });

  test('no database is an error with the next command', async () => {
    const { error } = await run('sessions', '--home', join(home, 'nowhere'));

    expect(error).toMatchObject({ code: 'E_DB_MISSING', exitCode: 1, hint: 'tapes intercept -- codex' });
  });

  test('--since takes spans and dates, --limit numbers; anything else is a usage error', async () => {
    const now = Date.UTC(2026, 10, 23, 12);
    expect(readSince('2d', now)).toBe('2026-11-21T12:00:00.000Z');
    expect(readSince('90m', now)).toBe('2026-11-23T10:30:00.000Z');
    expect(readSince('2026-11-20T10:00:00Z', now)).toBe('2026-11-20T10:00:00.000Z');
    expect(readSince('2026-11-20', now)).toBe(new Date(2026, 10, 20).toISOString());
    expect(readUntil('2d', now)).toBe('2026-11-21T12:00:00.000Z');
    expect(readUntil('2026-11-30', now)).toBe(new Date(2026, 11, 1).toISOString());
    for (const odd of ['yesterday', '2', '-3d', '2026-13-45', ''])
      expect(() => readSince(odd, now)).toThrow(TapesError);
    expect((await run('sessions', '--limit', '0')).error).toMatchObject({ code: 'E_USAGE', exitCode: 2 });
  });
});

describe('show', () => {
  test('the newest session is shown where no id is given', async () => {
    const { stdout, stderr, error } = await run('show', '--home', home);

    expect({ stderr, error }).toEqual({ stderr: '', error: null });
    expect(stdout).toContain('› list the files\n\n● exec\n  {"cmd":"ls"}\n  └ README.md\n');
    expect(stdout).toContain('\nOne file.\n');
    expect(await run('show', 'last', '--home', home)).toMatchObject({ stdout });
  });

  test('--json has the same shape for a session, a turn and a call', async () => {
    const call = (id: string): object => ({ id, turnId: turn });
    const shape = (calls: readonly object[]): object => ({
      session: { id: 'session-aaaa-1', calls: 2 },
      threads: [
        {
          id: 'session-aaaa-1',
          parentThreadId: null,
          agentName: '/root',
          turns: [{ id: turn, prompt: 'list the files', calls }],
        },
      ],
    });

    expect(await json('show', 'session-aaaa-1', '--json')).toMatchObject(shape([call('c0ffee01'), call('beef0002')]));
    expect(await json('show', 'turn-a', '--json')).toMatchObject(shape([call('c0ffee01'), call('beef0002')]));
    const shown = await json('show', 'beef', '--json');
    expect(shown).toMatchObject(shape([call('beef0002')]));
    expect(shown).toMatchObject({ exchange: { method: 'POST', status: 200, request: { masked: 0 } } });
  });

  test('a call has every field that is promised', async () => {
    const shown = (await json('show', 'c0ffee', '--json')) as { threads: { turns: { calls: Call[] }[] }[] };

    expect(shown.threads[0]!.turns[0]!.calls[0]).toEqual({
      id: 'c0ffee01',
      turnId: turn,
      exchangeId: 'c0ffee01',
      kind: 'turn',
      attempt: 1,
      transport: 'https',
      status: 'completed',
      model: 'gpt-6.1-sol',
      responseId: 'resp_1',
      httpStatus: 200,
      error: null,
      startedAt: '2026-11-23T12:00:00.000Z',
      ttftMs: 320,
      durationMs: 331,
      requestBytes: JSON.stringify(codexRequest({}).body).length,
      requestWireBytes: JSON.stringify(codexRequest({}).body).length,
      responseBytes: [created(), itemDone(toolCall), completed()].map(sse).join('').length,
      requestSha256: expect.stringMatching(/^[0-9a-f]{64}$/) as string,
      requestWireSha256: expect.stringMatching(/^[0-9a-f]{64}$/) as string,
      responseSha256: expect.stringMatching(/^[0-9a-f]{64}$/) as string,
      responseWireSha256: expect.stringMatching(/^[0-9a-f]{64}$/) as string,
      inputItems: 3,
      newItems: 3,
      usage: { inputTokens: 100, cachedInputTokens: 40, outputTokens: 12, reasoningTokens: 5, totalTokens: 112 },
      rateLimits: null,
      output: [
        {
          id: 'fc_1',
          hash: expect.stringMatching(/^[0-9a-f]{32}$/) as string,
          type: 'function_call',
          name: 'exec',
          callId: 'call_1',
          arguments: '{"cmd":"ls"}',
          output: 'README.md',
        },
      ],
    });
  });

  test('--turn and --thread choose within the session', async () => {
    const places = await twoThreads();
    const whole = await run('show', 'last', ...places);
    expect(whole.stdout).toMatch(/Turn 1[^]*Turn 2[^]*sub-agent of \/root[^]*count the lines/);

    const second = await run('show', 'last', '--turn', '2', ...places);
    expect(second.stdout).toContain('› and now the tests');
    expect(second.stdout).not.toMatch(/list the files|count the lines/);
    expect((await run('show', '--turn', 'last', ...places)).stdout).toBe(second.stdout);
    expect((await run('show', '--turn', 'turn-b', ...places)).stdout).toBe(second.stdout);

    const child = await run('show', '--thread', '/root/task_one', ...places);
    expect(child.stdout).toContain('count the lines');
    expect(child.stdout).not.toMatch(/list the files|and now the tests/);
    expect((await run('show', '--thread', 'child', '--turn', '1', ...places)).stdout).toContain('count the lines');
    expect(JSON.parse((await run('show', '--thread', 'child-1', '--json', ...places)).stdout)).toMatchObject({
      session: { threads: 2 },
      threads: [{ id: 'child-1', parentThreadId: 'session-aaaa-1', turns: [{ id: 'turn-c' }] }],
    });
  });

  test('--turn and --thread that name nothing say what there is', async () => {
    const places = await twoThreads();
    const fail = async (...words: string[]): Promise<unknown> => (await run('show', ...words, ...places)).error;

    expect(await fail('--turn', '3')).toMatchObject({
      code: 'E_NOT_FOUND',
      message: 'no turn "3" in this session: it has 2 turns',
      hint: 'one of these: turn-aaaa-1, turn-b',
    });
    expect(await fail('--thread', 'x')).toMatchObject({
      code: 'E_NOT_FOUND',
      hint: 'one of these: /root, /root/task_one',
    });
    expect(await fail('--turn', 'turn-')).toMatchObject({ code: 'E_AMBIGUOUS' });
    expect(await fail('c0ffee01', '--turn', '1')).toMatchObject({ code: 'E_USAGE', exitCode: 2 });
  });

  test('what is not there, and what is not alone, are said with a hint', async () => {
    expect((await run('show', 'zzz', '--home', home)).error).toMatchObject({ code: 'E_NOT_FOUND', exitCode: 1 });
    expect((await run('raw', 'session-aaaa-1', '--request', '--home', home)).error).toMatchObject({
      code: 'E_NOT_FOUND',
    });
  });
});

describe('raw', () => {
  test('writes the body’s bytes and nothing else', async () => {
    expect(await run('raw', 'c0ff', '--request', '--home', home)).toEqual({
      stdout: JSON.stringify(codexRequest({}).body),
      stderr: '',
      error: null,
    });
    expect(await run('raw', 'last', '--response', '--db', join(home, 'tapes.db'))).toEqual({
      stdout: plainAnswer('One file.', 'resp_2').map(sse).join(''),
      stderr: '',
      error: null,
    });
  });

  test('without a side, and with both, it is a usage error', async () => {
    expect((await run('raw', 'last', '--home', home)).error).toMatchObject({ code: 'E_USAGE', exitCode: 2 });
    expect((await run('raw', 'last', '--request', '--response')).error).toMatchObject({ code: 'E_USAGE' });
  });
});
