import { describe, expect, it } from 'vitest';

import { isCallRequest, readPrompt, readRateLimits, readRequestBody, retryKey } from './index.ts';

type Json = Record<string, unknown>;

const message = (text: string, more: Json = {}): Json => ({
  type: 'message',
  role: 'user',
  content: [{ type: 'input_text', text }],
  ...more,
});
const marked = (text: string, turnId: string, kind = 'user.text'): Json =>
  message(text, { internal_chat_message_metadata_passthrough: { turn_id: turnId, content_item_kinds: [kind] } });

function promptOf(input: unknown, turnId: string | null = null): string | null {
  return readPrompt(readRequestBody(JSON.stringify({ input })).inputItems, turnId);
}

describe('a request body', () => {
  it('says what is asked of whom', () => {
    const json = {
      model: 'gpt-x',
      stream: true,
      previous_response_id: 'resp_1',
      prompt_cache_key: 'k',
      input: [message('hi')],
    };
    expect(readRequestBody(JSON.stringify(json))).toMatchObject({
      json,
      model: 'gpt-x',
      stream: true,
      previousResponseId: 'resp_1',
      promptCacheKey: 'k',
      inputItems: [{ json: message('hi'), item: { type: 'message', role: 'user', text: 'hi' } }],
    });
  });

  it('may be a message of a WebSocket, flat or nested', () => {
    expect(readRequestBody('{"type":"response.create","model":"m","generate":false,"input":[]}').model).toBe('m');
    expect(readRequestBody('{"type":"response.create","response":{"model":"m","input":"hi"}}')).toMatchObject({
      model: 'm',
      inputItems: [{ item: { text: 'hi' } }],
    });
  });

  it.each(['', '{', 'null', '[]', '"x"', '7', '{"input":7,"model":{},"stream":"yes"}', '{"input":[1,null,"x",[]]}'])(
    'says nothing where it is of no known shape: %j',
    (text) => {
      expect(readRequestBody(text)).toMatchObject({
        model: null,
        stream: null,
        previousResponseId: null,
        inputItems: [],
      });
    },
  );
});

describe('the retry key', () => {
  const key = (json: Json): string => retryKey(readRequestBody(JSON.stringify(json)));

  it('is equal for other key order and other client_metadata, at any depth', () => {
    expect(key({ a: { x: 1, y: [{ p: 1, q: 2 }] }, client_metadata: { t: 1 } })).toBe(
      key({ client_metadata: { t: 2 }, a: { y: [{ q: 2, p: 1 }], x: 1 } }),
    );
  });

  it('differs for anything else, order in lists included', () => {
    const keys = [{ a: [1, 2] }, { a: [2, 1] }, { a: ['1', '2'] }, { a: [1, 2], b: null }, {}].map(key);
    expect(new Set(keys).size).toBe(keys.length);
  });

  it('is empty where there is no JSON', () => expect(retryKey(readRequestBody('<html>'))).toBe(''));
});

it.each([
  ['POST', '/backend-api/codex/responses', true],
  ['post', '/v1/responses?client_version=1', true],
  ['POST', '/v1/responses/compact', true],
  ['POST', '/responses/', true],
  ['GET', '/v1/responses', false],
  ['HEAD', '/backend-api/codex/responses', false],
  ['POST', '/v1/responses/resp_1/cancel', false],
  ['POST', '/v1/my-responses', false],
  ['POST', '/v1/models?next=/responses', false],
])('%s %s is a call: %s', (method, path, isCall) => expect(isCallRequest(method, path)).toBe(isCall));

describe('the prompt', () => {
  it('is the message that is marked as typed in this turn', () => {
    const input = [
      marked('earlier', 't1'),
      marked('<environment_context></environment_context>', 't2', 'environments.environment_context'),
      marked('now', 't2'),
    ];
    expect(promptOf(input, 't2')).toBe('now');
    expect(promptOf(input, 't1')).toBe('earlier');
  });

  it('joins what was typed while the turn ran', () => {
    expect(promptOf([marked('first', 't'), marked('and then', 't')], 't')).toBe('first\nand then');
  });

  it('is null in a turn in which nothing was typed', () => {
    expect(promptOf([marked('of the parent', 't1')], 't2')).toBeNull();
    expect(promptOf([], 't')).toBeNull();
    expect(promptOf([marked('rules', 't', 'harness.rules')], 't')).toBeNull();
  });

  it('may look like a wrapper where it is marked as typed', () => {
    expect(promptOf([marked('<user_instructions>why?</user_instructions>', 't')], 't')).toBe(
      '<user_instructions>why?</user_instructions>',
    );
  });

  it.each([
    '<environment_context>\n<cwd>/x</cwd>\n</environment_context>',
    '<user_instructions>Be kind.</user_instructions>',
    '# AGENTS.md instructions for /x\n\n<INSTRUCTIONS>…</INSTRUCTIONS>',
    '<turn_aborted>\nThe user interrupted.\n</turn_aborted>',
    '<user_shell_command>ls</user_shell_command>',
    '<system-reminder>x</system-reminder>',
    '\n<subagent_notification>{}</subagent_notification>',
  ])('without marks is the last user message that is no wrapper, such as %j', (wrapper) => {
    expect(promptOf([message(wrapper), message('typed'), message(wrapper)])).toBe('typed');
    expect(promptOf([message(wrapper), message('typed')], 'turn-id')).toBe('typed');
    expect(promptOf([message(wrapper)])).toBeNull();
  });

  it('keeps text that only resembles a wrapper', () => {
    expect(promptOf([message('<div>why does this not render?</div>')])).toBe('<div>why does this not render?</div>');
    expect(promptOf([message('what is <environment_context>?')])).toBe('what is <environment_context>?');
  });

  it('shows images in their place, and not the text around them', () => {
    const image = { type: 'input_image', image_url: 'data:image/png;base64,AAAA' };
    const text = (value: string): Json => ({ type: 'input_text', text: value });
    const content = [text('<image name=[Image #1] path="/a.png">'), image, text('</image>'), text('What is it?')];
    expect(promptOf([{ type: 'message', role: 'user', content }])).toBe('[image]\nWhat is it?');
    expect(promptOf([{ type: 'message', role: 'user', content: [image] }])).toBe('[image]');
  });

  it('takes only the person’s part of a message of several kinds', () => {
    const passthrough = { turn_id: 't', content_item_kinds: ['environments.environment_context', 'user.text'] };
    const content = [
      { type: 'input_text', text: '<environment_context/>' },
      { type: 'input_text', text: 'typed' },
    ];
    const item = { type: 'message', role: 'user', content, internal_chat_message_metadata_passthrough: passthrough };
    expect(promptOf([item], 't')).toBe('typed');
  });

  it.each([[{ role: 'user', content: 'bare' }], [{ type: 'message', role: 'user', content: 'bare' }], ['bare']])(
    'may be of a plain shape: %j',
    (item) => expect(promptOf(typeof item === 'string' ? item : [item])).toBe('bare'),
  );

  it('survives metadata of any shape', () => {
    for (const metadata of [null, 1, 'x', [], {}, { turn_id: 1 }, { turn_id: 't', content_item_kinds: 'user.text' }]) {
      expect(promptOf([message('x', { internal_chat_message_metadata_passthrough: metadata })], 't')).toBe('x');
    }
  });
});

describe('rate limits', () => {
  it('are read from headers of any casing', () => {
    expect(
      readRateLimits([
        ['X-Codex-Primary-Used-Percent', '12.5'],
        ['x-codex-primary-window-minutes', '300'],
        ['x-codex-primary-reset-at', '1795510000'],
        ['x-codex-secondary-used-percent', '0'],
        ['x-codex-credits-balance', ' 5.00 '],
      ]),
    ).toEqual({
      primary: { usedPercent: 12.5, windowMinutes: 300, resetsAt: '2026-11-24T08:46:40.000Z' },
      secondary: { usedPercent: 0, windowMinutes: null, resetsAt: null },
      credits: { balance: '5.00' },
    });
  });

  it.each([[[]], [[['x-codex-primary-used-percent', 'much']]], [[['x-codex-primary-window-minutes', '300']]]])(
    'are null where headers do not say: %j',
    (headers) => expect(readRateLimits(headers as [string, string][])).toBeNull(),
  );

  it('leave out a time that is none', () => {
    const headers = [
      ['x-codex-primary-used-percent', '1'],
      ['x-codex-primary-reset-at', '9'.repeat(30)],
    ] as const;
    expect(readRateLimits(headers)?.primary?.resetsAt).toBeNull();
  });
});
