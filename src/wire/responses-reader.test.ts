import { describe, expect, it } from 'vitest';

import { randomInt, seededRandom } from '../../test/support/chunks.ts';
import { readJsonAnswer, ResponsesReader } from './index.ts';
import type { Answer } from './index.ts';

type Event = Record<string, unknown>;

/** Pushes events one ms apart, beginning at 1000. */
function answerTo(...events: readonly Event[]): Answer {
  const reader = new ResponsesReader();
  for (const [index, event] of events.entries()) reader.push(JSON.stringify(event), 1000 + index);
  return reader.answer();
}

const created: Event = { type: 'response.created', response: { id: 'resp_a', model: 'gpt-x', output: [] } };
const usage = {
  input_tokens: 90,
  input_tokens_details: { cached_tokens: 60 },
  output_tokens: 10,
  output_tokens_details: { reasoning_tokens: 4 },
  total_tokens: 100,
};
const completed: Event = {
  type: 'response.completed',
  response: { id: 'resp_a', status: 'completed', model: 'gpt-x', output: [], usage },
};
const message = (id: string, text: string): Event => ({
  id,
  type: 'message',
  role: 'assistant',
  content: [{ type: 'output_text', text, annotations: [] }],
});
const added = (outputIndex: number, item: Event): Event => ({
  type: 'response.output_item.added',
  output_index: outputIndex,
  item,
});
const done = (outputIndex: number, item: Event): Event => ({
  type: 'response.output_item.done',
  output_index: outputIndex,
  item,
});
const delta = (type: string, outputIndex: number, text: string, more: Event = {}): Event => ({
  type: `response.${type}.delta`,
  output_index: outputIndex,
  content_index: 0,
  delta: text,
  ...more,
});

describe('a completed answer', () => {
  const answer = answerTo(
    created,
    added(0, { id: 'msg_a', type: 'message', role: 'assistant', status: 'in_progress', content: [] }),
    delta('output_text', 0, 'Good '),
    delta('output_text', 0, 'day.'),
    done(0, { ...message('msg_a', 'Good day.'), extra: { kept: true } }),
    completed,
  );

  it('says who answered, how it ended and what it used', () => {
    expect(answer).toMatchObject({
      responseId: 'resp_a',
      model: 'gpt-x',
      terminal: 'completed',
      error: null,
      usage: { inputTokens: 90, cachedInputTokens: 60, outputTokens: 10, reasoningTokens: 4, totalTokens: 100 },
      eventCount: 6,
      unknownEventTypes: [],
    });
  });

  it('has its items from output_item.done, with unknown fields, though the final output is empty', () => {
    expect(answer.items).toEqual([
      { outputIndex: 0, json: { ...message('msg_a', 'Good day.'), extra: { kept: true } }, partial: false },
    ]);
  });

  it('has its first token at the first delta', () => {
    expect(answer.firstTokenAt).toBe(1002);
  });
});

it('takes the first finished item for the first token where no delta came', () => {
  expect(answerTo(created, done(0, message('m', 'x')), completed).firstTokenAt).toBe(1001);
  expect(answerTo(created, completed).firstTokenAt).toBeNull();
});

it('gives items in the order of their index, whatever the order of the events', () => {
  const answer = answerTo(created, done(1, message('b', '2')), done(0, message('a', '1')), completed);
  expect(answer.items.map(({ json }) => json['id'])).toEqual(['a', 'b']);
});

describe('an item that was never done', () => {
  const partialItem = (...events: readonly Event[]): unknown => {
    const { items } = answerTo(created, ...events);
    expect(items.map(({ partial }) => partial)).toEqual([true]);
    return items[0]?.json;
  };

  it('has the text that deltas gave', () => {
    expect(
      partialItem(
        added(0, { id: 'm', type: 'message', role: 'assistant', content: [], phase: 'final' }),
        {
          type: 'response.content_part.added',
          output_index: 0,
          content_index: 0,
          part: { type: 'output_text', text: '', annotations: [] },
        },
        delta('output_text', 0, 'Half a '),
        delta('output_text', 0, 'sent'),
      ),
    ).toEqual({
      id: 'm',
      type: 'message',
      role: 'assistant',
      phase: 'final',
      content: [{ type: 'output_text', text: 'Half a sent', annotations: [] }],
    });
  });

  it('has several parts, a refusal among them', () => {
    expect(
      partialItem(
        added(0, { id: 'm', type: 'message', role: 'assistant', content: [] }),
        delta('output_text', 0, 'One'),
        { type: 'response.output_text.done', output_index: 0, content_index: 0, text: 'One.' },
        delta('refusal', 0, 'I can', { content_index: 1 }),
        delta('refusal', 0, 'not', { content_index: 1 }),
      ),
    ).toMatchObject({
      content: [
        { type: 'output_text', text: 'One.' },
        { type: 'refusal', refusal: 'I cannot' },
      ],
    });
  });

  it('has reasoning, its summaries and its text', () => {
    expect(
      partialItem(
        added(0, { id: 'r', type: 'reasoning', summary: [], encrypted_content: 'e' }),
        {
          type: 'response.reasoning_summary_part.added',
          output_index: 0,
          summary_index: 0,
          part: { type: 'summary_text', text: '' },
        },
        delta('reasoning_summary_text', 0, 'First', { summary_index: 0 }),
        { type: 'response.reasoning_summary_text.done', output_index: 0, summary_index: 0, text: 'First.' },
        delta('reasoning_summary_text', 0, 'Second', { summary_index: 1 }),
        delta('reasoning_text', 0, 'Thinking'),
      ),
    ).toEqual({
      id: 'r',
      type: 'reasoning',
      encrypted_content: 'e',
      summary: [
        { type: 'summary_text', text: 'First.' },
        { type: 'summary_text', text: 'Second' },
      ],
      content: [{ type: 'reasoning_text', text: 'Thinking' }],
    });
  });

  it.each([
    ['function_call_arguments', 'function_call', 'arguments'],
    ['mcp_call_arguments', 'mcp_call', 'arguments'],
    ['custom_tool_call_input', 'custom_tool_call', 'input'],
    ['code_interpreter_call_code', 'code_interpreter_call', 'code'],
  ])('has what %s gave', (family, type, field) => {
    const begun = added(0, { id: 'c', type, call_id: 'call_1', name: 'run', [field]: '' });
    expect(partialItem(begun, delta(family, 0, '{"a"'), delta(family, 0, ':1'))).toMatchObject({
      id: 'c',
      type,
      name: 'run',
      [field]: '{"a":1',
    });
    expect(
      partialItem(begun, delta(family, 0, '{'), {
        type: `response.${family}.done`,
        output_index: 0,
        [field]: '{"a":1}',
      }),
    ).toMatchObject({ [field]: '{"a":1}' });
  });

  it('is told from its deltas alone', () => {
    expect(partialItem(delta('output_text', 0, 'Hi', { item_id: 'm' }))).toEqual({
      id: 'm',
      type: 'message',
      role: 'assistant',
      content: [{ type: 'output_text', text: 'Hi' }],
    });
    expect(partialItem(delta('function_call_arguments', 0, '{}', { item_id: 'f' }))).toEqual({
      id: 'f',
      type: 'function_call',
      arguments: '{}',
    });
  });

  it('is whole after all where the terminal event repeats it', () => {
    const answer = answerTo(created, delta('output_text', 0, 'Hel'), {
      type: 'response.completed',
      response: { id: 'resp_a', status: 'completed', output: [message('m', 'Hello')] },
    });
    expect(answer.items).toEqual([{ outputIndex: 0, json: message('m', 'Hello'), partial: false }]);
  });
});

it('does not let the final output replace a done item', () => {
  const answer = answerTo(created, done(0, message('m', 'from done')), {
    type: 'response.completed',
    response: { output: [message('m', 'from output'), message('n', 'only there')] },
  });
  expect(answer.items.map(({ json }) => json['content'])).toMatchObject([
    [{ text: 'from done' }],
    [{ text: 'only there' }],
  ]);
});

it('keeps items apart where no output_index is sent, or always the same', () => {
  const { items } = answerTo(
    created,
    { type: 'response.output_item.done', item: message('a', '1') },
    { type: 'response.output_item.done', item: message('b', '2') },
    done(0, message('c', '3')),
    { type: 'response.output_text.delta', item_id: 'd', delta: '4' },
    { type: 'response.output_text.delta', item_id: 'd', delta: '5' },
  );
  expect(items.map(({ json }) => json['id'])).toEqual(['a', 'b', 'c', 'd']);
  expect(items[3]?.json['content']).toEqual([{ type: 'output_text', text: '45' }]);
});

describe('an answer that did not complete', () => {
  it('has no terminal where the stream just ends', () => {
    expect(answerTo(created, delta('output_text', 0, 'x')).terminal).toBeNull();
  });

  it('says why it is incomplete', () => {
    expect(
      answerTo(created, {
        type: 'response.incomplete',
        response: { id: 'resp_a', status: 'incomplete', incomplete_details: { reason: 'max_output_tokens' }, usage },
      }),
    ).toMatchObject({ terminal: 'incomplete', incompleteReason: 'max_output_tokens', usage: { totalTokens: 100 } });
  });

  it('says why it failed', () => {
    const error = { code: 'server_error', message: 'Something broke.' };
    expect(answerTo(created, { type: 'response.failed', response: { status: 'failed', error } })).toMatchObject({
      terminal: 'failed',
      error,
    });
  });

  it.each([
    [{ type: 'error', code: 'rate_limit_exceeded', message: 'Slow down.', param: null }],
    [{ type: 'error', error: { code: 'rate_limit_exceeded', message: 'Slow down.' } }],
    [{ type: 'error', status: 429, error: { type: 'rate_limit_exceeded', message: 'Slow down.' } }],
  ])('reads an error event of any shape: %j', (event) => {
    expect(answerTo(created, event)).toMatchObject({
      terminal: 'failed',
      error: { code: 'rate_limit_exceeded', message: 'Slow down.' },
    });
  });

  it('keeps the first ending: an error before response.failed, or an error after completion', () => {
    const error: Event = { type: 'error', code: 'a', message: 'first' };
    const failed: Event = { type: 'response.failed', response: { error: { code: 'b', message: 'second' } } };
    expect(answerTo(error, failed)).toMatchObject({ terminal: 'failed', error: { code: 'a' } });
    expect(answerTo(completed, error)).toMatchObject({ terminal: 'completed', error: null });
  });

  it('takes response.done by its status', () => {
    expect(answerTo({ type: 'response.done', response: { status: 'incomplete' } }).terminal).toBe('incomplete');
    expect(answerTo({ type: 'response.done', response: {} }).terminal).toBe('completed');
    expect(answerTo({ type: 'response.cancelled', response: {} }).terminal).toBe('failed');
  });
});

describe('what is not understood', () => {
  it('is kept by name, and known progress is not', () => {
    const types = [
      'response.in_progress',
      'response.queued',
      'response.web_search_call.searching',
      'response.file_search_call.completed',
      'response.image_generation_call.partial_image',
      'response.code_interpreter_call.interpreting',
      'response.mcp_list_tools.failed',
      'response.output_text.annotation.added',
      'codex.rate_limits',
      'keepalive',
      'response.hologram.started',
      'brand.new',
      'brand.new',
    ];
    expect(answerTo(...types.map((type) => ({ type }))).unknownEventTypes).toEqual([
      'response.hologram.started',
      'brand.new',
    ]);
  });

  it('does not fill memory with names', () => {
    const reader = new ResponsesReader();
    for (let index = 0; index < 1000; index += 1) {
      reader.push(JSON.stringify({ type: `x.${'y'.repeat(1000)}${index}` }), 1);
      reader.push(JSON.stringify({ type: `x.${index}` }), 1);
    }
    expect(reader.answer().unknownEventTypes.length).toBe(50);
    expect(Math.max(...reader.answer().unknownEventTypes.map(({ length }) => length))).toBe(200);
  });

  it('is skipped where it is no event', () => {
    const reader = new ResponsesReader();
    for (const junk of ['', '[DONE]', '{', 'null', '1', '"x"', '[]', '{}', '{"type":7}', '{"type":null}'])
      reader.push(junk, 1);
    expect(reader.answer()).toMatchObject({ eventCount: 0, terminal: null, items: [] });
  });
});

it('keeps __proto__ as a plain key and survives very deep JSON', () => {
  const reader = new ResponsesReader();
  reader.push(
    '{"type":"response.output_item.done","output_index":0,"item":{"type":"message","__proto__":{"polluted":1}}}',
    1,
  );
  reader.push(`{"type":"x","deep":${'['.repeat(100_000)}${']'.repeat(100_000)}}`, 1);
  const deep = `${'{"a":'.repeat(20_000)}1${'}'.repeat(20_000)}`;
  reader.push(`{"type":"response.output_item.done","output_index":1,"item":{"type":"message","content":${deep}}}`, 1);
  const { items } = reader.answer();
  expect(items.length).toBe(2);
  expect(Object.keys(items[0]?.json ?? {})).toEqual(['type', '__proto__']);
  expect('polluted' in {}).toBe(false);
});

it('never throws on events of any shape', () => {
  const random = seededRandom(31);
  const types = [
    'created',
    'completed',
    'failed',
    'incomplete',
    'output_item.added',
    'output_item.done',
    'content_part.added',
  ];
  const families = [
    'output_text',
    'refusal',
    'reasoning_summary_text',
    'function_call_arguments',
    'custom_tool_call_input',
  ];
  const values: readonly unknown[] = [
    null,
    1,
    -1,
    1e308,
    'x',
    '',
    [],
    {},
    [1],
    { id: 1 },
    { type: 'message', content: 'x' },
    true,
  ];
  const pick = (): unknown => values[randomInt(random, 0, values.length - 1)];
  for (let round = 0; round < 200; round += 1) {
    const reader = new ResponsesReader();
    for (let index = 0; index < 30; index += 1) {
      const family = families[randomInt(random, 0, families.length - 1)] ?? '';
      const type =
        random() < 0.5
          ? `response.${types[randomInt(random, 0, types.length - 1)] ?? ''}`
          : `response.${family}.${random() < 0.5 ? 'delta' : 'done'}`;
      const event: Event = { type };
      for (const key of [
        'response',
        'item',
        'output_index',
        'content_index',
        'summary_index',
        'item_id',
        'delta',
        'text',
        'part',
      ]) {
        if (random() < 0.6) event[key] = pick();
      }
      reader.push(JSON.stringify(event), index);
    }
    expect(() => JSON.stringify(reader.answer())).not.toThrow();
  }
});

it('is linear in the number of events', () => {
  const reader = new ResponsesReader();
  const started = performance.now();
  for (let index = 0; index < 50_000; index += 1) {
    reader.push(
      `{"type":"response.output_text.delta","item_id":"m","output_index":0,"content_index":0,"delta":"word "}`,
      index,
    );
  }
  const [item] = reader.answer().items;
  expect(JSON.stringify(item?.json).length).toBeGreaterThan(250_000);
  expect(performance.now() - started).toBeLessThan(5000);
});

describe('a body that was not streamed', () => {
  it('is read like the response of a terminal event', () => {
    const body = JSON.stringify({
      id: 'resp_b',
      status: 'completed',
      model: 'gpt-x',
      output: [message('m', 'x')],
      usage,
    });
    expect(readJsonAnswer(body, 5)).toMatchObject({
      responseId: 'resp_b',
      terminal: 'completed',
      model: 'gpt-x',
      usage: { totalTokens: 100 },
      firstTokenAt: 5,
      items: [{ outputIndex: 0, partial: false }],
    });
  });

  it('may be a compaction, which has no status', () => {
    const body = JSON.stringify({
      id: 'c',
      object: 'response.compaction',
      output: [{ type: 'compaction', encrypted_content: 'e' }],
    });
    expect(readJsonAnswer(body, 5)).toMatchObject({ terminal: 'completed', items: [{ json: { type: 'compaction' } }] });
  });

  it('may be incomplete', () => {
    const body = JSON.stringify({ status: 'incomplete', incomplete_details: { reason: 'content_filter' }, output: [] });
    expect(readJsonAnswer(body, 5)).toMatchObject({
      terminal: 'incomplete',
      incompleteReason: 'content_filter',
      firstTokenAt: null,
    });
  });

  it.each([
    [
      '{"error":{"type":"usage_limit_reached","message":"No more."}}',
      { code: 'usage_limit_reached', message: 'No more.' },
    ],
    ['{"error":"nope"}', { code: 'error', message: 'nope' }],
    ['{"detail":"Unauthorized"}', { code: 'error', message: 'Unauthorized' }],
  ])('may be an error: %s', (body, error) => {
    expect(readJsonAnswer(body, 5)).toMatchObject({ terminal: 'failed', error, items: [] });
  });

  it.each(['', '<html>', '[]', '{}', 'null'])('says nothing where it is no answer: %j', (body) => {
    expect(readJsonAnswer(body, 5)).toMatchObject({ terminal: null, error: null, items: [] });
  });
});
