import { readdirSync, readFileSync } from 'node:fs';

import { describe, expect, it } from 'vitest';

import type { ContextPart } from './index.ts';
import { judgeItems, mapBody, readPieces, shareOut } from './index.ts';

const encode = (body: unknown, space?: number): Uint8Array =>
  new TextEncoder().encode(typeof body === 'string' ? body : JSON.stringify(body, null, space));

const message = (role: string, text: string, more: object = {}): object => ({
  type: 'message',
  role,
  content: [{ type: 'input_text', text }],
  ...more,
});

const sharesOf = (bytes: Uint8Array): Partial<Record<ContextPart, readonly [number, number]>> => {
  const map = mapBody(bytes);
  return Object.fromEntries(
    shareOut(map, readPieces(map))
      .filter(({ sizeBytes }) => sizeBytes > 0)
      .map(({ part, sizeBytes, count }) => [part, [sizeBytes, count]]),
  );
};

const corpus = new URL('../../test/corpus/codex/', import.meta.url);

describe('the parts of a context', () => {
  it('are told by type and role, and by their exact bytes', () => {
    const tools = { type: 'additional_tools', tools: [{ type: 'namespace', name: 'fs', tools: [{ name: 'read' }] }] };
    const image = { type: 'input_image', image_url: 'data:image/png;base64,AAAA' };
    const body = {
      model: 'm',
      instructions: 'Be ünïque.',
      input: [
        tools,
        message('developer', 'Rules'),
        message('user', 'Look', { content: [{ type: 'input_text', text: 'Look' }, image] }),
        message('assistant', 'I see "it"'),
        { type: 'reasoning', summary: [], encrypted_content: 'x' },
        { type: 'custom_tool_call', call_id: 'c', name: 'exec', input: 'ls' },
        { type: 'custom_tool_call_output', call_id: 'c', output: [{ type: 'input_text', text: 'a' }, image] },
        { type: 'compaction', encrypted_content: 'y' },
        { type: 'agent_message', author: '/root' },
      ],
    };
    const size = (...values: unknown[]): number =>
      values.reduce<number>((sum, value) => sum + encode(JSON.stringify(value)).length, 0);
    const { input } = body;
    const shares = sharesOf(encode(body));

    expect(shares).toEqual({
      tools: [size(tools), 1],
      instructions: [size(body.instructions, input[1]), 2],
      user: [size(input[2]) - size(image), 1],
      images: [size(image, image), 2],
      assistant: [size(input[3]), 1],
      reasoning: [size(input[4]), 1],
      toolCalls: [size(input[5]), 1],
      toolOutputs: [size(input[6]) - size(image), 1],
      compaction: [size(input[7]), 1],
      other: [size(input[8]), 1],
      settings: [expect.any(Number), 1],
    });
    expect(readPieces(mapBody(encode(body))).map(({ preview }) => preview)).toEqual([
      'Be ünïque.',
      'fs (read)',
      'Rules',
      'Look [image]',
      'I see "it"',
      '',
      'ls',
      'a[image]',
      '',
      '',
    ]);
  });

  it.each(readdirSync(corpus).filter((name) => !name.includes('.')))('of %s add up to the body', (name) => {
    const json = JSON.parse(readFileSync(new URL(`${name}/request.json`, corpus), 'utf8')) as { input: unknown[] };
    for (const space of [undefined, 1]) {
      const bytes = encode(json, space);
      const map = mapBody(bytes);
      const pieces = readPieces(map);
      const sum = shareOut(map, pieces).reduce((total, { sizeBytes }) => total + sizeBytes, 0);
      expect(sum).toBe(bytes.length);
      const items = pieces.filter(({ index }) => index !== null);
      expect(items).toHaveLength(json.input.length);
      const texts = items.map(({ offset, sizeBytes }) =>
        new TextDecoder().decode(bytes.subarray(offset, offset + sizeBytes)),
      );
      expect(texts.map((text) => JSON.parse(text) as unknown)).toEqual(json.input);
    }
  });

  it.each([
    ['{ "a" : "\\"[{" , "input" : [ 1 , "two" , null ] }', { other: [10, 3], settings: [39, 1] }],
    ['{"input":"a bare string"}', { user: [15, 1], settings: [10, 0] }],
    ['{"input":[{"type":"x"}],"input":[]}', { settings: [35, 0] }],
    ['{"type":"response.create","response":{"input":[{"type":"x"}]}}', { other: [12, 1], settings: [50, 0] }],
    ['not json', { other: [8, 1] }],
    ['', {}],
  ])('of %s are what there is', (body, expected) => {
    expect(sharesOf(encode(body))).toEqual(expected);
  });
});

describe('items against the call before', () => {
  const itemsOf = (...input: object[]) => mapBody(encode({ input })).input.map(({ item }) => item);

  it('are kept, changed, answered or new, and the rest is gone', () => {
    const before = itemsOf(
      message('user', 'a', { id: '1' }),
      message('user', 'b', { id: '2' }),
      message('user', 'c'),
      message('user', 'd', { id: '4' }),
    );
    const after = itemsOf(
      // The same content under another id, as after a compaction.
      message('user', 'a', { id: '11' }),
      message('user', 'B', { id: '2' }),
      message('user', 'd', { id: '4' }),
      { type: 'function_call', call_id: 'c', name: 'run', arguments: '{}' },
      { type: 'function_call_output', call_id: 'c', output: 'x' },
    );
    const answer = itemsOf({ type: 'function_call', id: 'f', call_id: 'c', name: 'run', arguments: '{}', status: 'x' });

    expect(judgeItems(after, before, answer)).toEqual({
      states: ['kept', 'changed', 'kept', 'answer', 'new'],
      removed: [2],
    });
  });

  it('may be very many', () => {
    const many = itemsOf(...Array.from({ length: 3000 }, (_, at) => message('user', `text ${at}`)));
    const other = [...itemsOf(message('user', 'first')), ...many.slice(10, 2990), ...itemsOf(message('user', 'last'))];
    const { states, removed } = judgeItems(other, many, []);

    expect(states.filter((state) => state === 'kept')).toHaveLength(2980);
    expect(removed.length + states.filter((state) => state === 'changed').length).toBe(20);
  });
});
