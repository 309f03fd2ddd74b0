import { expect, it } from 'vitest';

import { comparePrefix, mapBody } from './index.ts';

const user = (text: string, id?: string): object => ({
  type: 'message',
  role: 'user',
  content: [{ type: 'input_text', text }],
  ...(id !== undefined && { id }),
});
const opening = [user('rules', 'o1'), user('place', 'o2')];
const prompt = user('list the files', 'p1');
const more = user('and the tests', 'p2');

const body = (input: unknown, { head = {}, tail = {} }: { head?: object; tail?: object } = {}): string =>
  JSON.stringify({ model: 'm', ...head, input, reasoning: { effort: 'low' }, ...tail, client_metadata: { turn: 1 } });

const compare = (before: string, after: string): object =>
  comparePrefix(mapBody(new TextEncoder().encode(before)), mapBody(new TextEncoder().encode(after)));

const whole = body([...opening, prompt]);
const input = (at: number): object => ({ differsAt: { key: 'input', item: at }, sharedItems: at });

it.each([
  ['the same body', whole, whole, { change: 'none', differsAt: null, sharedBytes: whole.length, sharedItems: 3 }],
  [
    'a retry, of which only the metadata differs',
    whole,
    whole.replace('"turn":1', '"turn":2'),
    { change: 'none', differsAt: { key: 'client_metadata', item: null }, settingsChanged: [] },
  ],
  ['new items behind the old', whole, body([...opening, prompt, more]), { change: 'appended', ...input(3) }],
  [
    'new items, and a setting behind them',
    whole,
    body([...opening, prompt, more], { tail: { reasoning: { effort: 'high' } } }),
    { change: 'appended', settingsChanged: ['reasoning'] },
  ],
  [
    'another text under the same id',
    whole,
    body([opening[0], user('place 2', 'o2'), prompt]),
    { change: 'itemChanged', ...input(1), isSameToReader: false },
  ],
  [
    'the same content in other bytes',
    whole,
    body([opening[0], { ...opening[1], status: 'completed' }, prompt]),
    { change: 'itemChanged', ...input(1), isSameToReader: true },
  ],
  [
    'another item in its place',
    whole,
    body([opening[0], user('another', 'x'), prompt]),
    { change: 'itemChanged', ...input(1), isSameToReader: false },
  ],
  [
    'an item put in between',
    whole,
    body([opening[0], more, opening[1], prompt]),
    { change: 'itemInserted', ...input(1) },
  ],
  ['an item taken out', whole, body([opening[0], prompt]), { change: 'itemRemoved', ...input(1) }],
  ['the last item taken away', whole, body([...opening]), { change: 'itemRemoved', ...input(2) }],
  [
    'a compaction, after which the opening has new ids',
    whole,
    body([user('rules', 'n1'), user('place', 'n2'), prompt, { type: 'compaction', id: 'c', encrypted_content: 'x' }]),
    { change: 'compaction', ...input(0), isSameToReader: true },
  ],
  [
    'instructions that stand before the items',
    body([prompt], { head: { instructions: 'Be kind.' } }),
    body([prompt, more], { head: { instructions: 'Be quick.' } }),
    { change: 'settingsChanged', differsAt: { key: 'instructions', item: null }, settingsChanged: ['instructions'] },
  ],
  [
    'a setting behind the items',
    whole,
    body([...opening, prompt], { tail: { reasoning: { effort: 'high' } } }),
    { change: 'settingsChanged', differsAt: { key: 'reasoning', item: null }, settingsChanged: ['reasoning'] },
  ],
  [
    'only what is new, behind a response',
    whole,
    body([more], { head: { previous_response_id: 'resp_1' } }),
    { change: 'continued' },
  ],
  [
    'all of it again after that',
    body([more], { head: { previous_response_id: 'resp_1' } }),
    whole,
    { change: 'resent' },
  ],
  ['what cannot be read', 'not json', whole, { change: 'unreadable', sharedBytes: 0, sharedItems: 0 }],
])('%s', (_name, before, after, expected) => {
  expect(compare(before, after)).toMatchObject(expected);
});

it('is measured in bytes, not in characters', () => {
  const [before, after] = [body([user('äöü')]), body([user('äöx')])];

  expect(compare(before, after)).toMatchObject({ sharedBytes: Buffer.from(before.split('ü')[0] ?? '').length });
});
