import { describe, expect, it } from 'vitest';

import type { Item } from '../domain/index.ts';
import { countNewItems, fillToolOutputs, toItem } from './index.ts';

const user = (id: string | undefined, text: string): Item =>
  toItem({
    ...(id === undefined ? {} : { id }),
    type: 'message',
    role: 'user',
    content: [{ type: 'input_text', text }],
  });

describe('a wire item', () => {
  it.each([
    [
      {
        type: 'message',
        role: 'user',
        id: 'm',
        content: [
          { type: 'input_text', text: 'a' },
          { type: 'input_text', text: 'b' },
        ],
      },
      { id: 'm', type: 'message', role: 'user', text: 'a\nb' },
    ],
    [
      {
        type: 'message',
        role: 'user',
        content: [
          { type: 'input_image', image_url: 'data:…' },
          { type: 'input_file', filename: 'x.pdf' },
        ],
      },
      { type: 'message', role: 'user', text: '[image]\n[file x.pdf]' },
    ],
    [
      { type: 'message', role: 'assistant', content: [{ type: 'refusal', refusal: 'No.' }] },
      { type: 'message', role: 'assistant', text: 'No.' },
    ],
    [
      { role: 'user', content: 'plain' },
      { type: 'message', role: 'user', text: 'plain' },
    ],
    [
      {
        type: 'reasoning',
        summary: [
          { type: 'summary_text', text: 'One' },
          { type: 'summary_text', text: 'Two' },
        ],
        content: null,
      },
      { type: 'reasoning', text: 'One\nTwo' },
    ],
    [
      { type: 'reasoning', summary: [], content: [{ type: 'reasoning_text', text: 'Raw' }] },
      { type: 'reasoning', text: 'Raw' },
    ],
    [
      { type: 'function_call', id: 'f', call_id: 'c', name: 'run', arguments: '{"a": 1}' },
      { id: 'f', type: 'function_call', callId: 'c', name: 'run', arguments: '{"a": 1}' },
    ],
    [
      { type: 'custom_tool_call', call_id: 'c', name: 'exec', input: 'go()' },
      { type: 'custom_tool_call', callId: 'c', name: 'exec', arguments: 'go()' },
    ],
    [
      { type: 'local_shell_call', call_id: 'c', action: { type: 'exec', command: ['ls'] } },
      { type: 'local_shell_call', callId: 'c', arguments: '{"type":"exec","command":["ls"]}' },
    ],
    [
      { type: 'function_call_output', call_id: 'c', output: 'done' },
      { type: 'function_call_output', callId: 'c', output: 'done' },
    ],
    [
      {
        type: 'custom_tool_call_output',
        call_id: 'c',
        output: [
          { type: 'input_text', text: 'a\n' },
          { type: 'input_text', text: 'b' },
        ],
      },
      { type: 'custom_tool_call_output', callId: 'c', output: 'a\nb' },
    ],
    [
      { type: 'function_call_output', call_id: 'c', output: { content: 'old', success: true } },
      { type: 'function_call_output', callId: 'c', output: 'old' },
    ],
    [
      { type: 'mcp_call', name: 'm', arguments: '{}', output: 'out' },
      { type: 'mcp_call', name: 'm', arguments: '{}', output: 'out' },
    ],
    [
      { type: 'compaction', id: 'x', encrypted_content: 'e' },
      { id: 'x', type: 'compaction' },
    ],
    [{ type: 'compaction_trigger' }, { type: 'compaction_trigger' }],
    [{ type: 7, id: 12, role: {}, name: ['x'], call_id: null, content: 5 }, { type: 'unknown' }],
    [{}, { type: 'unknown' }],
  ])('%j', (json: Record<string, unknown>, expected) => {
    const { hash, ...item } = toItem(json);
    expect(item).toEqual(expected);
    expect(hash).toMatch(/^[0-9a-f]{32}$/);
  });

  it('has the same hash with other key order, id, status and passthrough metadata', () => {
    const a = toItem({ type: 'message', id: 'm1', status: 'completed', content: [{ type: 'output_text', text: 'x' }] });
    const b = toItem({
      internal_chat_message_metadata_passthrough: { turn_id: 't' },
      content: [{ text: 'x', type: 'output_text' }],
      type: 'message',
    });
    expect(a.hash).toBe(b.hash);
    expect(toItem({ type: 'message', content: [{ text: 'y', type: 'output_text' }] }).hash).not.toBe(b.hash);
  });

  it('is hashed however deep it is, and with odd keys', () => {
    const deep = JSON.parse(`${'{"a":['.repeat(30_000)}1${']}'.repeat(30_000)}`) as Record<string, unknown>;
    expect(toItem({ type: 'x', deep, arguments: deep }).hash).toMatch(/^[0-9a-f]{32}$/);
    const odd = JSON.parse('{"type":"x","__proto__":{"b":1},"constructor":2}') as Record<string, unknown>;
    expect(toItem(odd).hash).not.toBe(toItem({ type: 'x' }).hash);
  });
});

describe('tool outputs', () => {
  it('are filled in by call id from a later input, and nowhere else', () => {
    const call = toItem({ type: 'function_call', call_id: 'c1', name: 'run', arguments: '{}' });
    const other = toItem({ type: 'custom_tool_call', call_id: 'c2', name: 'exec', input: '' });
    const text = toItem({ type: 'message', role: 'assistant', content: 'x' });
    const later = [call, toItem({ type: 'function_call_output', call_id: 'c1', output: 'seventeen' })];
    expect(fillToolOutputs([text, call, other], later)).toEqual([text, { ...call, output: 'seventeen' }, other]);
  });
});

describe('new items', () => {
  it('are those behind the common prefix', () => {
    const before = [user('a', '1'), user('b', '2')];
    expect(countNewItems([...before, user('c', '3')], before, [])).toBe(1);
    expect(countNewItems(before, before, [])).toBe(0);
    expect(countNewItems(before, [], [])).toBe(2);
    expect(countNewItems([], before, [])).toBe(0);
  });

  it('are told by id where both have one, whatever else differs', () => {
    expect(countNewItems([user('a', 'changed')], [user('a', '1')], [])).toBe(0);
    expect(countNewItems([user('z', '1')], [user('a', '1')], [])).toBe(1);
  });

  it('are told by content where one has no id, as in old versions', () => {
    expect(countNewItems([user(undefined, '1'), user(undefined, '2')], [user(undefined, '1')], [])).toBe(1);
  });

  it('are not what the previous answer itself gave, though it comes back changed', () => {
    const answer = [
      toItem({ id: 'r', type: 'reasoning', summary: [], encrypted_content: 'e' }),
      toItem({
        id: 'f',
        type: 'function_call',
        status: 'completed',
        call_id: 'c',
        name: 'run',
        arguments: '{}',
        extra: 1,
      }),
      toItem({
        id: 'm',
        type: 'message',
        role: 'assistant',
        content: [{ type: 'output_text', text: 'Hi', annotations: [] }],
      }),
    ];
    const input = [
      user(undefined, '1'),
      toItem({ type: 'reasoning', summary: [], encrypted_content: 'e' }),
      toItem({ type: 'function_call', call_id: 'c', name: 'run', arguments: '{}' }),
      toItem({ type: 'message', role: 'assistant', content: [{ type: 'output_text', text: 'Hi' }] }),
      toItem({ type: 'function_call_output', call_id: 'c', output: 'x' }),
    ];
    expect(countNewItems(input, [user(undefined, '1')], answer)).toBe(1);
  });
});
