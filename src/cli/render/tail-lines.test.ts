import { expect, test, vi } from 'vitest';

import type { TailEvent } from '../../app/tail-events.ts';
import type { Page } from './page.ts';
import { openPaint } from './paint.ts';
import { renderTailLine } from './tail-lines.ts';

vi.stubEnv('TZ', 'UTC');

const page: Page = { paint: openPaint(false), width: 80, now: 0 };
const place = {
  at: '2026-11-23T14:02:59.000Z',
  sessionId: 'session-1',
  shortSessionId: '01a20768',
  threadId: 'session-1',
  agentName: '/root',
  isSubThread: false,
  turnId: 'turn-1',
};
const ofCall = { ...place, callId: 'a1b2c3d4e5', shortCallId: 'a1b2c3d4' };
const started: TailEvent = {
  type: 'callStarted',
  ...ofCall,
  kind: 'turn',
  attempt: 1,
  model: 'gpt-6.1-sol',
  inputItems: 9,
  newItems: 2,
};
const ended: TailEvent = {
  type: 'callEnded',
  ...ofCall,
  status: 'completed',
  model: 'gpt-6.1-sol',
  httpStatus: 200,
  error: null,
  usage: { inputTokens: 14_100, cachedInputTokens: 9000, outputTokens: 120, reasoningTokens: 5, totalTokens: 14_220 },
  ttftMs: 712,
  durationMs: 2900,
};
const item = (more: object): TailEvent => ({ type: 'output', ...ofCall, item: { hash: '', type: 'message', ...more } });

test.each<[TailEvent, string | null]>([
  [{ type: 'turnStarted', ...place, prompt: 'list\nthe files' }, '› list the files'],
  [{ type: 'turnStarted', ...place, prompt: null }, null],
  [started, '→ a1b2c3d4 · gpt-6.1-sol · 9 items, 2 new'],
  [{ ...started, kind: 'compaction', attempt: 2 }, '→ a1b2c3d4 · compaction · gpt-6.1-sol · 9 items, 2 new · at…'],
  [item({ type: 'custom_tool_call', name: 'exec', arguments: 'ls\n-l' }), '● exec ls -l'],
  [item({ type: 'reasoning', text: 'Hm.' }), 'Hm.'],
  [item({ type: 'reasoning' }), null],
  [
    item({ text: 'An answer \u001b]0;x\u0007 that is longer than a line of the terminal has room for' }),
    'An answer ␛]0;x␇ that is longer than a line of the terminal…',
  ],
  [{ type: 'toolOutput', ...ofCall, item: { hash: '', type: 'x_output', output: 'a\nb' } }, '└ a b'],
  [ended, '← a1b2c3d4 · 2.9 s · 14.1k in (9.0k cached), 120 out · ttft…'],
  [
    { ...ended, status: 'failed', usage: null, ttftMs: null, error: { code: 'http_500', message: 'no' } },
    '← a1b2c3d4 failed: http_500 no · 2.9 s',
  ],
])('%#', (event, expected) => {
  const line = renderTailLine(event, page);
  expect(line).toBe(expected === null ? null : `14:02:59  01a20768  ${expected}`);
});

test('names the sub-agent, and is cut less in a pipe', () => {
  const event = { ...ended, agentName: '/root/task_one', isSubThread: true };

  expect(renderTailLine(event, { ...page, width: null })).toBe(
    '14:02:59  01a20768 /root/task_one  ← a1b2c3d4 · 2.9 s · 14.1k in (9.0k cached), 120 out · ttft 712 ms',
  );
});
