import { expect, test } from 'vitest';

import { AnswerStream } from './answer-stream.ts';

const completed = '{"type":"response.completed","response":{"id":"r","output":[]}}\n';

test('a WebSocket message above 16 Mi characters is passed over, and the next one read', () => {
  const stream = new AnswerStream();
  const piece = Buffer.alloc(1024 * 1024, 'x');
  for (let round = 0; round < 40; round += 1) stream.pushLines(piece, round);
  stream.pushLines(Buffer.from(`\n${completed}`), 99);
  const { answer } = stream.end(99);
  expect(answer).toMatchObject({ terminal: 'completed', notRead: '1 event of the answer: too long' });
});

test('an answer of a million chunks of one byte takes little more than its bytes', () => {
  const stream = new AnswerStream();
  const before = process.memoryUsage().rss;
  for (let at = 0; at < 1_000_000; at += 1) stream.push(Buffer.of(at === 0 ? 0x7b : 0x20), at);
  expect(process.memoryUsage().rss - before).toBeLessThan(100 * 1024 * 1024);
  expect(stream.end(1).errorBody?.slice(0, 2)).toBe('{ ');
});
