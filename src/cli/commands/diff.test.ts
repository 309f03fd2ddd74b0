// `tapes diff`, as it is typed.
import { expect, test } from 'vitest';

import { runCommand } from '../../../test/support/command-line.ts';
import { recordScript } from '../../../test/support/record-script.ts';
import { opening, plainAnswer, userMessage } from '../../../test/support/wire-script.ts';

const turn = 'turn-aaaa-1';
const rules = (changed: string): object => ({
  type: 'message',
  role: 'developer',
  id: 'msg_rules',
  content: [
    { type: 'input_text', text: Array.from({ length: 9 }, (_, at) => (at === 4 ? changed : `rule ${at}`)).join('\n') },
  ],
});
const result = { type: 'function_call_output', id: 'fco_1', call_id: 'call_1', output: 'ok\u001b[2J' };

async function record(): Promise<readonly string[]> {
  const { dbFile } = await recordScript((script) =>
    script
      .call('c0ffee01', {
        input: [rules('be kind'), ...opening(turn), userMessage('list the files', turn)],
        body: { reasoning: { effort: 'low' }, tools: [], store: false },
      })
      .answer('c0ffee01', plainAnswer('One file.'))
      .call('beef0002', {
        session: 'session-bbbb-2',
        turn: 'turn-bbbb-2',
        input: [rules('be quick'), opening(turn)[1]!, userMessage('list all files', 'x', `msg_${turn}`), result],
        body: {
          reasoning: { effort: 'high' },
          tools: Array.from({ length: 30 }, (_, at) => ({ type: 'function', name: `tool_${at}` })),
        },
      })
      .answer('beef0002', plainAnswer('Two files.', 'resp_2')),
  );
  return ['--db', dbFile];
}

test('shows items, texts, settings and answers of calls of two sessions', async () => {
  const { stdout, stderr, error } = await runCommand('diff', 'c0ff', 'beef', ...(await record()));

  expect({ stderr, error }).toEqual({ stderr: '', error: null });
  expect(stdout).toContain('Call c0ffee01 → call beef0002\nCalls of two sessions\n');
  expect(stdout).toContain('Items  1 kept, 1 added, 1 removed, 2 changed\n');
  expect(stdout).toMatch(
    / {2}~ #0 instructions, [\d,]+ bytes → [\d,]+ bytes\n {6}… 2 lines\n {6}rule 2\n {6}rule 3\n {4}- be kind\n {4}\+ be quick\n {6}rule 5\n/,
  );
  expect(stdout).toMatch(/ {2}- #1 tools, [\d,]+ bytes: exec\n/);
  expect(stdout).toMatch(/ {2}~ #3 → #2 user, .*\n {6}list \[-the-\] \{\+all\+\} files\n/);
  expect(stdout).toContain('  + #3 tool outputs, 86 bytes: ok␛[2J\n');
  expect(stdout).toContain('  ~ reasoning: {"effort":"low"} → {"effort":"high"}\n');
  expect(stdout).toContain('  - store: false → not there\n');
  expect(stdout).toMatch(/ {2}~ tools: 2 bytes → 1,[\d]+ bytes\n {4}- \[\]\n {4}\+ \[\n {4}\+ {3}\{\n/);
  expect(stdout).toMatch(/ {2}client_metadata, \d keys: .*turn_id/);
  expect(stdout).toMatch(/Answers {2}not the same\n +BEFORE +AFTER\nstatus +completed +completed\n/);
});

test('--json has the same, for programs', async () => {
  const diff = JSON.parse((await runCommand('diff', 'c0ff', 'last', '--json', ...(await record()))).stdout) as object;

  expect(diff).toMatchObject({
    before: { id: 'c0ffee01', sessionId: 'session-aaaa-1', status: 'completed', outputTypes: ['message'] },
    after: { id: 'beef0002', sessionId: 'session-bbbb-2', usage: { cachedInputTokens: 40 } },
    isSameAnswer: false,
    keptItems: 1,
    items: [
      { type: 'changed', before: { index: 0 }, after: { index: 0 }, diff: { unit: 'lines' } },
      { type: 'removed', before: { index: 1, part: 'tools' }, after: null },
      {
        type: 'changed',
        before: { index: 3 },
        after: { index: 2 },
        diff: {
          unit: 'words',
          changes: [
            { type: 'same', text: 'list ' },
            { type: 'removed', text: 'the ' },
            { type: 'added', text: 'all ' },
            { type: 'same', text: 'files' },
          ],
        },
      },
      { type: 'added', before: null, after: { index: 3, callId: 'call_1' } },
    ],
    settings: [
      { key: 'prompt_cache_key', before: '"session-aaaa-1"', after: '"session-bbbb-2"' },
      { key: 'reasoning', type: 'changed' },
      { key: 'tools', before: null, after: null, beforeBytes: 2 },
      { key: 'store', type: 'removed', before: 'false', after: null },
    ],
  });
});

test('a call beside itself has no differences', async () => {
  const { stdout } = await runCommand('diff', 'beef', 'beef', ...(await record()));

  expect(stdout).toContain('Items  4 kept, 0 added, 0 removed, 0 changed\n\nSettings  all alike\n\nAnswers  the same');
});

test('two calls are needed, and calls only', async () => {
  const places = await record();

  expect((await runCommand('diff', 'beef', ...places)).error).toMatchObject({ code: 'commander.missingArgument' });
  expect((await runCommand('diff', 'beef', 'session-a', ...places)).error).toMatchObject({ code: 'E_NOT_FOUND' });
});
