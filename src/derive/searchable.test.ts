import { describe, expect, it } from 'vitest';

import { readSearchTerms, toItem, toMatch, toSearchEntry, toSentEntry } from './index.ts';

type Json = Readonly<Record<string, unknown>>;
const sent = (json: Json) => toSentEntry({ json, item: toItem(json) });
const said = (json: Json) => toSearchEntry(toItem(json));

describe('what can be searched for', () => {
  it('is what a person typed, without what the agent wraps around it', () => {
    const content = [
      { type: 'input_text', text: '<environment_context>x</environment_context>' },
      { type: 'input_text', text: 'typed' },
    ];
    expect(sent({ type: 'message', role: 'user', id: 'm', content })).toMatchObject({
      id: 'm',
      type: 'message',
      role: 'user',
      text: 'typed',
    });
    expect(sent({ role: 'user', content: '<user_instructions>Be kind.</user_instructions>' })).toBeNull();
    expect(sent({ type: 'message', role: 'developer', content: 'rules' })).toBeNull();
    expect(sent({ type: 'additional_tools', role: 'developer', tools: [{ name: 'exec' }] })).toBeNull();
  });

  it.each([
    [{ type: 'message', role: 'assistant', content: 'Yes.' }, 'assistant', 'Yes.'],
    [{ type: 'reasoning', summary: [{ type: 'summary_text', text: 'Hm' }] }, 'assistant', 'Hm'],
    [
      { type: 'function_call', call_id: 'c', name: 'exec', arguments: '{"cmd":"ls"}' },
      'assistant',
      'exec\n{"cmd":"ls"}',
    ],
    [{ type: 'function_call_output', call_id: 'c', output: 'README.md' }, 'tool', 'README.md'],
    [{ type: 'mcp_call', name: 'm', arguments: '{}', output: 'out' }, 'assistant', 'm\n{}\nout'],
  ])('is in an item: %j', (json: Json, role, text) => {
    expect(said(json)).toMatchObject({ role, text, type: json['type'] });
    expect(sent(json)).toEqual(said(json));
  });

  it('is not in an item without text, and only at the start of a very long one', () => {
    expect(said({ type: 'reasoning', summary: [], encrypted_content: 'secret' })).toBeNull();
    expect(said({ type: 'compaction', encrypted_content: 'x' })).toBeNull();
    const output = `${'x'.repeat(256 * 1024 - 1)}😀`;
    expect(said({ type: 'function_call_output', call_id: 'c', output })!.text).toBe('x'.repeat(256 * 1024 - 1));
  });
});

describe('search terms', () => {
  it.each([
    [
      ['fix', 'parser'],
      ['fix', 'parser'],
    ],
    [
      ['exit code', 'fix'],
      ['exit code', 'fix'],
    ],
    [['fix "exit code" now'], ['fix', 'exit code', 'now']],
    [['say "never closed here'], ['say', 'never closed here']],
    [['***', '""', ' ', '-'], []],
    [['C++'], ['C++']],
  ])('%j are %j', (words, terms) => expect(readSearchTerms(words)).toEqual(terms));

  it('are never syntax', () => {
    expect(toMatch(['a OR b', 'NEAR(x', '"quoted"', 'col:x*'])).toBe('"a OR b" "NEAR(x" """quoted""" "col:x*"');
  });
});
