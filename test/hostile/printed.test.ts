// Everything that a recording holds may have been chosen by a provider, a tool or a model: whatever it is, it does not reach the terminal as
// anything but text, an id is no path and no option, and a search is a question.
import { mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { asyncProperty, assert, string } from 'fast-check';
import { afterEach, beforeAll, describe, expect, it } from 'vitest';

import { TapesError } from '../../src/errors.ts';
import { runCommand } from '../support/command-line.ts';
import { runTapes, tapesBin } from '../support/tapes.ts';
import { openRunRecorder, recordScript } from '../support/record-script.ts';
import { start } from '../support/run.ts';
import { completed, created, itemDone, sse, userMessage, WireScript } from '../support/wire-script.ts';

/** Titles of windows, a cleared screen, colours, C1 controls, reversed text, lines broken unseen, NUL and DEL. */
const evil =
  '\u001b]0;owned\u0007\u001b[2J\u001b[31mred\u001b[0m \u009b31m\u0090x\u009c \u202eesrever\u2066 \u2028\u0085 \u0000\u007f\r end';
const huge = `${evil} ${'wide '.repeat(20_000)}`;
const sessionId = `../../../tmp/x\u001b[2J$(touch owned);--output`;

let home: string;
beforeAll(async () => {
  home = mkdtempSync(join(tmpdir(), 'tapes-printed-'));
  const input = [
    userMessage(`find me ${huge}`, `turn-${evil}`),
    { type: 'function_call', id: `fc${evil}`, call_id: `c1${evil}`, name: `exec${evil}`, arguments: `{"a":"${evil}"}` },
    { type: 'function_call_output', call_id: `c1${evil}`, output: `tool says ${huge}` },
    { type: `odd${evil}`, role: `user${evil}`, text: evil, __proto__: { x: 1 } },
  ];
  const request = {
    session: sessionId,
    thread: `thread/../${evil}`,
    turn: `turn-${evil}`,
    input,
    metadata: { agent_name: `/root${evil}`, workspaces: { [`/home/${evil}`]: {} } },
    body: { model: `gpt${evil}`, instructions: evil, [`key${evil}`]: evil },
  };
  const answer = [
    created(`resp${evil}`),
    itemDone({
      type: 'message',
      id: `m${evil}`,
      role: 'assistant',
      content: [{ type: 'output_text', text: `find me ${huge}` }],
    }),
    itemDone({ type: 'custom_tool_call', id: 't', call_id: `t${evil}`, name: `tool${evil}`, input: huge }, 1),
    itemDone({ type: 'reasoning', id: 'r', summary: [{ type: 'summary_text', text: evil }] }, 2),
    completed(`resp${evil}`),
  ];
  await recordScript(
    (script) => {
      script.call('aaaa1', request).answer('aaaa1', answer, [
        ['x-codex-credits-balance', evil],
        [`x-${evil}`, evil],
      ]);
      script.call('bbbb2', { ...request, input: [...input, userMessage(`more ${evil}`, `turn-${evil}`, 'm2')] });
      script.head('bbbb2', { status: 500, reason: evil, headers: [['content-type', evil]] });
      script.data('bbbb2', JSON.stringify({ error: { code: `code${evil}`, message: `message ${evil}` } })).end('bbbb2');
      script.post('cccc3', { method: 'GET', path: `/x?${evil}`, host: `evil${evil}`, headers: [[evil, evil]] }, '');
      script.abort('cccc3', 'upstream', { code: evil, message: evil });
    },
    { dbFile: join(home, 'tapes.db'), run: { label: evil, argv: ['codex', evil], cwd: `/x${evil}` } },
  );
  return () => rmSync(home, { recursive: true });
});

const { isTTY } = process.stdout;
afterEach(() => {
  process.stdout.isTTY = isTTY;
});

/** Our own colours, on a terminal. */
const ours = new RegExp(`${String.fromCodePoint(0x1b)}\\[(1|2|3|22|23|3[1-6]|39)m`, 'g');
const harmful = /(?!\n)[\p{Cc}\u061c\u200e\u200f\u202a-\u202e\u2028\u2029\u2066-\u2069\ufeff]/u;

const commands: readonly (readonly string[])[] = [
  ['sessions'],
  ['show', 'last'],
  ['show', 'last', '--full'],
  ['show', 'aaaa1'],
  ['show', 'bbbb2'],
  ['runs'],
  ['search', 'find', 'me'],
  ['search', 'owned', '--limit', '2'],
  ['stats'],
  ['context', 'aaaa1'],
  ['context', 'bbbb2'],
  ['diff', 'aaaa1', 'bbbb2'],
  ['verify'],
  ['prune', '--older-than', '1d', '--dry-run'],
  ['rederive'],
  ['dump', 'last'],
  ['dump', 'last', '--format', 'har'],
  ['raw', 'aaaa1', '--request'],
  ['raw', 'aaaa1', '--response'],
  ['raw', 'bbbb2', '--response'],
  ['export', 'last'],
];
const withJson = ['sessions', 'show', 'runs', 'search', 'stats', 'context', 'diff', 'verify', 'prune'];

describe.each([true, false])('on a terminal: %s', (isTerminal) => {
  // Into a pipe a body goes byte for byte, and so does what can be imported.
  const lines = commands.filter(([name]) => isTerminal || !['raw', 'export', 'dump'].includes(name!));
  it.each(lines.map((line) => [line.join(' '), line] as const))('tapes %s prints text', async (_, line) => {
    process.stdout.isTTY = isTerminal;
    const all = withJson.includes(line[0]!) ? [line, [...line, '--json']] : [line];
    for (const words of all) {
      const { stdout, stderr, error } = await runCommand(...words, '--home', home);
      expect(error === null || error instanceof TapesError, `fails with ${String(error)}`).toBe(true);
      if (words.includes('--json')) JSON.parse(stdout);
      expectText(stdout);
      expectText(stderr);
    }
  });
});

it('tapes tail prints text', async () => {
  const { stdout, stderr } = await followed('eeee5', '←');
  expect(stdout).toContain('owned');
  expectText(stdout);
  expectText(stderr);
  const json = await followed('ffff6', 'callEnded', '--json');
  for (const line of json.stdout.trim().split('\n')) JSON.parse(line);
  expectText(json.stdout);
});

it('tapes doctor prints text', async () => {
  const { stdout, stderr } = await runTapes({ dir: home, remove: () => {} }, ['doctor', '--json']);
  JSON.parse(stdout);
  expectText(stdout);
  expectText(stderr);
});

it('says what failed in text, too', async () => {
  for (const words of [
    ['show', evil],
    ['raw', evil, '--request'],
    ['dump', evil],
    ['export', evil],
    ['search', 'x', '--session', evil],
  ]) {
    const { error } = await runCommand(...words, '--home', home);
    const { renderFailure } = await import('../../src/cli/render/failure.ts');
    expect(error).toBeInstanceOf(TapesError);
    expectText(renderFailure(error));
  }
});

it('ends a run with a line that can be typed and does nothing else', async () => {
  const { report } = await recordScript((script) =>
    script.call('dddd4', { session: sessionId }).answer('dddd4', [completed()]),
  );
  const { renderSummary } = await import('../../src/cli/render/summary.ts');
  const [line = ''] = renderSummary({
    ...report,
    sessions: report.sessions.map(({ id }) => ({ id, shortId: id })),
  });
  expectText(line);
  expect(line).toMatch(/tapes show '[^']*'$/);
});

it('makes no path of an id', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'tapes-paths-'));
  const before = process.cwd();
  process.chdir(folder);
  try {
    for (const words of [
      ['dump', sessionId],
      ['export', sessionId],
      ['show', sessionId],
      ['show', '../../x'],
      ['raw', '../x', '--request'],
    ]) {
      await runCommand(...words, '--home', home);
    }
    expect(readdirSync(folder)).toEqual([]);
  } finally {
    process.chdir(before);
    rmSync(folder, { recursive: true });
  }
});

it('takes whatever is typed for a search', { timeout: 60_000 }, async () => {
  const typed = string({ unit: 'binary', minLength: 1, maxLength: 30 });
  const { search } = await import('../../src/app/search.ts');
  await assert(
    asyncProperty(typed, typed, async (word, session) => {
      for (const asked of [{ words: [word] }, { words: [`"${word}" x`], type: session }, { words: ['x'], session }]) {
        await search({ home, db: undefined }, { limit: 5, ...asked }).catch((error: unknown) => {
          if (!(error instanceof TapesError)) throw error;
          expect(error.message).not.toMatch(/SQLITE|fts5|syntax error/);
        });
      }
    }),
    {
      seed: 20_261_125,
      numRuns: 120,
      examples: [
        ["' OR 1=1;--", '%'],
        ['"', "'"],
        ['NEAR(', '*'],
        ['a*^b', '_'],
        ['\0', '\0'],
      ],
    },
  );
});

function expectText(printed: string): void {
  const left = printed.replace(ours, '');
  const at = left.search(harmful);
  expect(at === -1 ? '' : JSON.stringify(left.slice(Math.max(0, at - 60), at + 20))).toBe('');
}

/** What `tapes tail` says of a call that runs when it begins, and ends while it looks. */
async function followed(id: string, until: string, ...options: string[]): Promise<{ stdout: string; stderr: string }> {
  const recorder = openRunRecorder(join(home, 'tapes.db'), { run: { id: `run-${id}`, startedAt: Date.now() } });
  await recorder.ready;
  const script = new WireScript(Date.now());
  const said = { type: 'message', role: 'assistant', content: [{ type: 'output_text', text: evil }] };
  script.call(id, { session: `${sessionId}-${id}`, turn: `t${evil}${id}`, body: { model: `m${evil}` } });
  script.head(id).data(id, sse(created()));
  for (const event of script.events.splice(0)) recorder.push(event);
  const tail = start(process.execPath, [tapesBin, 'tail', '--home', home, ...options], {
    env: { NO_COLOR: '1', HOME: home },
  });
  await tail.said(id);
  script.data(id, sse(itemDone(said)) + sse(completed())).end(id);
  for (const event of script.events.splice(0)) recorder.push(event);
  await tail.said(until);
  tail.kill('SIGINT');
  await recorder.close();
  return tail.ended;
}
