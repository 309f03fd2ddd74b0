import { expect, test, vi } from 'vitest';

import type { ShownRecording } from '../../app/show-recording.ts';
import type { Call, Item, Turn } from '../../domain/index.ts';
import type { Page } from './page.ts';
import { openPaint } from './paint.ts';
import { renderTranscript } from './transcript.ts';

vi.stubEnv('TZ', 'UTC');

const page: Page = { paint: openPaint(false), width: 80, now: Date.UTC(2026, 10, 23, 13, 0) };
const usage = {
  inputTokens: 14_100,
  cachedInputTokens: 9_000,
  outputTokens: 120,
  reasoningTokens: 5,
  totalTokens: 14_220,
};

const call = (changes: Partial<Call>): Call => ({
  id: 'a1b2c3d4e5',
  turnId: 'turn-1',
  exchangeId: 'a1b2c3d4e5',
  kind: 'turn',
  attempt: 1,
  transport: 'https',
  status: 'completed',
  model: 'gpt-6.1-sol',
  responseId: 'resp_1',
  httpStatus: 200,
  error: null,
  startedAt: '2026-11-23T12:00:00.000Z',
  ttftMs: 712,
  durationMs: 2900,
  requestBytes: 70_441,
  requestWireBytes: 24_220,
  responseBytes: 1234,
  requestSha256: null,
  requestWireSha256: null,
  responseSha256: null,
  responseWireSha256: null,
  inputItems: 7,
  newItems: 7,
  usage,
  rateLimits: null,
  output: [],
  ...changes,
});

const item = (changes: Partial<Item>): Item => ({ hash: '0', type: 'message', ...changes });

const turn = (changes: Partial<Turn>): Turn => ({
  id: 'turn-1-and-more',
  threadId: 'thread-1',
  prompt: 'list the files',
  status: 'completed',
  startedAt: '2026-11-23T12:00:00.000Z',
  endedAt: '2026-11-23T12:00:04.100Z',
  durationMs: 4100,
  usage,
  costUsd: null,
  calls: [],
  ...changes,
});

function shown(turns: readonly Turn[], changes: Partial<ShownRecording> = {}): ShownRecording {
  return {
    asked: { kind: 'session', id: 'session-1', sessionId: 'session-1' },
    session: {
      id: '01a20768-c76b-7cd0-9915-cdb4444ec569',
      shortId: '01a20768',
      kind: 'user',
      firstPrompt: 'list the files',
      agent: 'codex',
      agentVersion: '0.169.0',
      cwd: '/home/dev/project',
      title: 'List the files',
      status: 'completed',
      startedAt: '2026-11-23T12:00:00.000Z',
      endedAt: '2026-11-23T12:00:04.100Z',
      threads: 1,
      turns: 1,
      calls: 2,
      models: ['gpt-6.1-sol'],
      usage,
      costUsd: null,
    },
    threads: [{ id: 'thread-1', parentThreadId: null, agentName: '/root', turns }],
    exchange: null,
    shortIds: new Map([
      ['turn-1-and-more', 'turn-1'],
      ['a1b2c3d4e5', 'a1b2c3d4'],
    ]),
    ...changes,
  };
}

const render = (recording: ShownRecording, full = false): string[] =>
  renderTranscript(recording, page, { full }).split('\n');

test('a session reads from the prompt to the answer, with a line for each call', () => {
  const turns = [
    turn({
      calls: [
        call({
          output: [
            item({ type: 'reasoning', text: '**Looking around**' }),
            item({
              type: 'function_call',
              name: 'exec',
              callId: 'c1',
              arguments: '{"cmd":"ls"}',
              output: 'README.md\nsrc\n',
            }),
          ],
        }),
        call({
          id: 'b2',
          output: [
            item({
              role: 'assistant',
              text: 'There are two: README.md and the folder src, which holds all the code there is.',
            }),
          ],
        }),
      ],
    }),
  ];

  expect(render(shown(turns))).toEqual([
    'Session 01a20768-c76b-7cd0-9915-cdb4444ec569',
    'List the files',
    'codex 0.169.0 · /home/dev/project · 2026-11-23 12:00',
    '1 turn · 2 calls · 14.2k tokens · completed',
    '',
    '── Turn 1 · turn-1 ───────────────────────────────────────── 12:00:00 · 4.1 s ──',
    '',
    '› list the files',
    '',
    '  **Looking around**',
    '',
    '● exec',
    '  {"cmd":"ls"}',
    '  └ README.md',
    '    src',
    '',
    '  a1b2c3d4 · gpt-6.1-sol · 14.1k in (9.0k cached), 120 out · ttft 712 ms, 2.9 s',
    '',
    'There are two: README.md and the folder src, which holds all the code there is.',
    '',
    '  b2 · gpt-6.1-sol · 14.1k in (9.0k cached), 120 out · ttft 712 ms, 2.9 s',
  ]);
});

test('what did not go plainly is said: attempt, kind, status, error', () => {
  const calls = [
    call({
      status: 'truncated',
      usage: null,
      ttftMs: null,
      error: { code: 'stream_ended', message: 'the stream ended' },
    }),
    call({
      attempt: 2,
      status: 'failed',
      model: null,
      usage: null,
      ttftMs: null,
      durationMs: 80,
      error: { code: 'server_error', message: 'try\nagain' },
    }),
    call({ kind: 'compaction', usage: null, ttftMs: null, output: [item({ type: 'compaction' })] }),
    call({ status: 'streaming', usage: null, ttftMs: null, durationMs: null }),
  ];

  expect(render(shown([turn({ calls, durationMs: null })])).slice(9)).toEqual([
    '  a1b2c3d4 · gpt-6.1-sol · 2.9 s · truncated: stream_ended the stream ended',
    '',
    '  a1b2c3d4 · unknown model · 80 ms · attempt 2 · failed: server_error try again',
    '',
    '  (the conversation so far was replaced by a summary)',
    '',
    '  a1b2c3d4 · compaction · gpt-6.1-sol · 2.9 s',
    '',
    '  a1b2c3d4 · gpt-6.1-sol · streaming',
  ]);
});

test('long results are shortened with how much was left out, and --full shows all', () => {
  const output = Array.from({ length: 100 }, (_, at) => `line ${at}`).join('\n');
  const turns = [
    turn({
      prompt: null,
      calls: [call({ output: [item({ type: 'custom_tool_call', name: 'exec', callId: 'c', output })] })],
    }),
  ];

  expect(render(shown(turns)).slice(7, 19)).toEqual([
    '● exec',
    '  └ line 0',
    ...Array.from({ length: 9 }, (_, at) => `    line ${at + 1}`),
    '    … 90 lines more (--full shows all)',
  ]);
  expect(render(shown(turns), true).filter((line) => line.includes('line '))).toHaveLength(100);
});

test('a tool call without a result says so', () => {
  const calls = [
    call({ output: [item({ type: 'custom_tool_call', name: 'exec', callId: 'c', arguments: 'text(1)' })] }),
  ];
  const running = shown([turn({ calls })]);

  expect(render(shown([turn({ calls })]))).toContain('  └ (no result recorded)');
  expect(render({ ...running, session: { ...running.session, status: 'streaming' } })).toContain('  └ (no result yet)');
});

test('sub-agents have their own part', () => {
  const threads = [
    { id: 'root', parentThreadId: null, agentName: '/root', turns: [turn({})] },
    { id: 'child', parentThreadId: 'root', agentName: '/root/task_one', turns: [turn({ prompt: null })] },
  ];
  const lines = render(shown([], { threads }));

  expect(lines).toContain('Thread /root');
  expect(lines).toContain('Thread /root/task_one · sub-agent of /root');
});

test('a call that was asked for is shown with its headers, sizes and hashes', () => {
  const facts = {
    contentEncoding: 'zstd',
    wireBytes: 24_220,
    wireSha256: 'bb',
    decodedBytes: 70_441,
    decodedSha256: 'aa',
    masked: 2,
    problem: null,
  };
  const lines = render(
    shown([turn({ calls: [call({})] })], {
      asked: { kind: 'call', id: 'a1b2c3d4e5', sessionId: 'session-1' },
      exchange: {
        id: 'a1b2c3d4e5',
        runId: 'run',
        method: 'POST',
        url: 'https://chatgpt.com/backend-api/codex/responses',
        httpVersion: '2.0',
        requestHeaders: [['authorization', 'Bearer masked:1a2b3c4d']],
        status: 200,
        reason: 'OK',
        responseHeaders: [['x-odd', 'a\u001b[2Jb']],
        outcome: 'ended',
        startedAt: '2026-11-23T12:00:00.000Z',
        durationMs: 2900,
        request: facts,
        response: {
          ...facts,
          contentEncoding: null,
          wireBytes: 10,
          decodedBytes: 10,
          wireSha256: 'cc',
          decodedSha256: 'cc',
          masked: 0,
          problem: 'gzip: cut short',
        },
      },
    }),
  );

  expect(lines.slice(lines.indexOf('Request  POST https://chatgpt.com/backend-api/codex/responses  HTTP/2.0'))).toEqual(
    [
      'Request  POST https://chatgpt.com/backend-api/codex/responses  HTTP/2.0',
      '  authorization: Bearer masked:1a2b3c4d',
      '  70,441 bytes, 24,220 bytes on the wire (zstd), 2 secrets masked  tapes raw a1b2c3d4 --request',
      '  sha256 aa',
      '  sha256 bb on the wire',
      '',
      'Response  200 OK',
      '  x-odd: a␛[2Jb',
      '  10 bytes  tapes raw a1b2c3d4 --response',
      '  sha256 cc',
      '  gzip: cut short',
    ],
  );
});

test('prompts, answers and results cannot draw on the terminal', () => {
  const evil = 'a\u001b]52;c;AAAA\u0007b';
  const calls = [
    call({
      model: evil,
      output: [item({ text: evil }), item({ type: 'x_call', name: evil, arguments: evil, output: evil, callId: evil })],
    }),
  ];
  const text = renderTranscript(shown([turn({ prompt: evil, calls })], { shortIds: new Map() }), page, { full: true });

  expect(text).not.toContain('\u001b');
  expect(text).not.toContain('\u0007');
  expect(text.match(/a␛\]52;c;AAAA␇b/g)).toHaveLength(6);
});

test('where a conversation branches stands above what was said there', () => {
  const text = (words: string): Item[] => [item({ role: 'assistant', text: words })];
  const compact = call({ id: 'c0c0c0c0', kind: 'compaction', output: [item({ type: 'compaction' })] });
  const after = call({ branch: { reason: 'compaction', fromCallId: 'c0c0c0c0' }, output: text('Smaller now.') });
  const edited = call({ branch: { reason: 'edit', fromCallId: 'a1b2c3d4e5' }, output: text('Edited.') });
  const anew = call({ branch: { reason: 'edit', fromCallId: null } });
  const whole = renderTranscript(
    shown([
      turn({ calls: [compact, after] }),
      turn({ prompt: 'another prompt', calls: [edited] }),
      turn({ prompt: 'from the start', calls: [anew] }),
    ]),
    page,
    { full: false },
  );

  expect(whole).toMatch(/· compaction ·[^]*\n\n {2}↳ branch: goes on from the summary of c0c0c0c0\n\nSmaller now\./);
  expect(whole).toMatch(
    /──\n\n {2}↳ branch: goes on from a1b2c3d4\w*, without what was said after it\n\n› another prompt\n\nEdited\./,
  );
  expect(whole).toContain('  ↳ branch: begins anew, without what was said before\n\n› from the start');
  expect(Math.max(...whole.split('\n').map((line) => line.length))).toBeLessThanOrEqual(80);
});

test('why a call failed goes below where it is too long, and in a pipe stays on its line', () => {
  const message = 'You have hit your usage limit. Upgrade to Pro, or try again at the end of the week, on Friday.';
  const failed = call({ status: 'failed', usage: null, error: { code: 'usage_limit_reached', message } });
  const show = (width: number | null): string =>
    renderTranscript(shown([turn({ calls: [failed] })]), { ...page, width }, { full: false });

  const [line, ...below] = show(80).split('\n').slice(-3);
  expect(line).toBe('  a1b2c3d4 · gpt-6.1-sol · ttft 712 ms, 2.9 s');
  expect(below.join(' ').replaceAll(/ +/g, ' ').trim()).toBe(`failed: usage_limit_reached ${message}`);
  expect(
    Math.max(
      ...show(80)
        .split('\n')
        .map((each) => each.length),
    ),
  ).toBeLessThanOrEqual(80);
  expect(show(null)).toContain(`2.9 s · failed: usage_limit_reached ${message}`);
});
