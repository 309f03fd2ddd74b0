import { expect, test } from 'vitest';

import { Titles } from './titles.ts';

const ask = (prompt: string): string => `Make a title.\n\nUser prompt:\n${prompt}`;
const answer = (title: string): string => JSON.stringify({ title });

test('a title finds its session, whichever of the two comes first', () => {
  const titles = new Titles();
  titles.notePrompt('a', 'fix the parser');
  expect(titles.noteTitle(ask('fix the parser'), answer('Fix parser'))).toEqual({
    sessionId: 'a',
    title: 'Fix parser',
  });
  expect(titles.noteTitle(ask('list the files'), answer('List files'))).toBeNull();
  expect(titles.notePrompt('b', 'list the files')).toEqual({ sessionId: 'b', title: 'List files' });
});

test('a prompt that another one begins or ends with is not mistaken for it', () => {
  const titles = new Titles();
  titles.notePrompt('short', 'fix');
  titles.notePrompt('tail', 'the parser');
  expect(titles.noteTitle(ask('fix the parser'), answer('Fix parser'))).toBeNull();
});

test('of two sessions with the same prompt each gets one title', () => {
  const titles = new Titles();
  titles.notePrompt('a', 'hi');
  titles.notePrompt('b', 'hi');
  expect(titles.noteTitle(ask('hi'), answer('Say hi'))?.sessionId).toBe('a');
  expect(titles.noteTitle(ask('hi'), answer('Greet'))?.sessionId).toBe('b');
});

test('a long prompt is known by its beginning, and later prompts of a session change nothing', () => {
  const titles = new Titles();
  const long = 'look at every file and '.repeat(40);
  titles.notePrompt('a', long);
  titles.notePrompt('a', 'go on');
  expect(titles.noteTitle(ask('go on'), answer('Go on'))).toBeNull();
  expect(titles.noteTitle(ask(`${long.slice(0, 400)}…`), answer('Look around'))?.sessionId).toBe('a');
});

test('an answer that is no title is none', () => {
  const titles = new Titles();
  titles.notePrompt('a', 'hi');
  for (const odd of ['', 'Say hi', '{}', '{"title":7}', '{"title":"  "}', 'null']) {
    expect(titles.noteTitle(ask('hi'), odd)).toBeNull();
  }
});
