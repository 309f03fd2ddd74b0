// What bytes from outside may make a decoder hold.
import { spawn } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { gzipSync } from 'node:zlib';

import { describe, expect, it } from 'vitest';

import { decodeBody, openBodyDecoder, ResponsesReader, SseDecoder, splitRequest } from './index.ts';
import { ZstdReader } from './zstd/zstd-reader.ts';

describe('what one chunk may decode to', () => {
  const bomb = gzipSync(Buffer.alloc(40 * 1024 * 1024));

  it('is 16 MiB, where it is short', async () => {
    const decoder = openBodyDecoder('gzip');
    expect((await decoder.push(bomb)).length).toBe(16 * 1024 * 1024);
    expect((await decoder.end()).problem).toMatchObject({
      reason: 'too-large',
      message: expect.stringContaining('16777216 bytes at once') as unknown,
    });
  });

  it('is as much again with the next one', async () => {
    const decoder = openBodyDecoder('gzip');
    let decoded = 0;
    for (let at = 0; at < bomb.length; at += 10_000) {
      decoded += (await decoder.push(bomb.subarray(at, at + 10_000))).length;
    }
    expect((await decoder.end()).problem).toBeNull();
    expect(decoded).toBe(40 * 1024 * 1024);
  });

  it('is no less for a whole body', async () => {
    expect((await decodeBody(bomb, 'gzip')).bytes.length).toBe(16 * 1024 * 1024);
  });
});

it('keeps 8 MiB of a zstd frame, whatever window it asks for', () => {
  const reader = new ZstdReader(2 ** 30);
  const before = process.memoryUsage().arrayBuffers;
  // A window of 2 GiB, and blocks that repeat one byte.
  reader.push(Buffer.from([0x28, 0xb5, 0x2f, 0xfd, 0x00, 0xa8]));
  for (let block = 0; block < 800; block += 1) reader.push(Buffer.from([0x02, 0x00, 0x10, 0x61]));
  expect(reader.problem).toBeNull();
  expect(process.memoryUsage().arrayBuffers - before).toBeLessThan(150 * 1024 * 1024);
});

it('says when a zstd frame reaches farther back than that', async () => {
  const noise = Buffer.from(Array.from({ length: 4096 }, (_, at) => (Math.imul(at, 0x9e37_79b1) >>> 13) & 255));
  const far = Buffer.concat([noise, randomBytes(9 * 1024 * 1024), noise]);
  const { bytes, problem } = await decodeBody(await run('zstd', ['--long=27', '-q', '-c'], far), 'zstd', {});
  expect(problem).toEqual({
    encoding: 'zstd',
    reason: 'unsupported',
    message: 'needs a window of more than 8388608 bytes',
  });
  expect(far.subarray(0, bytes.length).equals(bytes)).toBe(true);
  expect(bytes.length).toBeGreaterThan(8 * 1024 * 1024);
});

it('drops an event of more than 100,000 lines, and goes on with the next', () => {
  const decoder = new SseDecoder();
  const events = [];
  for (let round = 0; round < 30; round += 1) events.push(...decoder.push(Buffer.from('data:\n'.repeat(10_000))));
  events.push(...decoder.push(Buffer.from('\ndata: next\n\n')), ...decoder.end());
  expect(events.map(({ data }) => data)).toEqual(['next']);
  expect(decoder.droppedEvents).toBe(1);
});

it('takes a stream of nothing but comments for no event', () => {
  const decoder = new SseDecoder();
  for (let round = 0; round < 30; round += 1) decoder.push(Buffer.from(': keep-alive\n\n'.repeat(10_000)));
  expect(decoder.push(Buffer.from('data: 1\n\n')).length).toBe(1);
  expect(decoder.droppedEvents).toBe(0);
});

it('does not cut a list of more than 50,000 values into items', () => {
  const body = Buffer.from(`{"input":[${'{"role":"user","content":"x"},'.repeat(50_000)}{}]}`);
  expect(splitRequest(body)).toEqual([{ type: 'part', start: 9, end: body.length - 1 }]);
});

describe('an answer', () => {
  it('keeps 16 Mi characters of texts that are not over, counts the rest, and still reads how it ended', () => {
    const reader = new ResponsesReader();
    const delta = JSON.stringify({ type: 'response.output_text.delta', output_index: 0, delta: 'x'.repeat(2 ** 20) });
    for (let round = 0; round < 70; round += 1) reader.push(delta, round);
    reader.push('{"type":"response.completed","response":{"id":"r"}}', 99);
    const { notRead, terminal, items } = reader.answer();
    expect(terminal).toBe('completed');
    expect(notRead).toBe('55 events of the answer: too much to be kept');
    expect(JSON.stringify(items).length).toBeLessThan(16 * 2 ** 20);
  });

  it('keeps 64 Mi characters of its items, counts the rest, and still reads how it ended', () => {
    const reader = new ResponsesReader();
    for (let at = 0; at < 70; at += 1) {
      const item = { id: `i${at}`, text: 'x'.repeat(2 ** 20) };
      reader.push(JSON.stringify({ type: 'response.output_item.done', output_index: at, item }), at);
    }
    reader.push('{"type":"response.completed","response":{"id":"r"}}', 99);
    const { notRead, terminal, items } = reader.answer();
    expect(terminal).toBe('completed');
    expect(notRead).toBe('7 events of the answer: too much to be kept');
    expect(JSON.stringify(items).length).toBeLessThan(64 * 2 ** 20);
  });

  it('forgets what deltas said once their item is done', () => {
    const reader = new ResponsesReader();
    const delta = (at: number): string =>
      JSON.stringify({ type: 'response.output_text.delta', output_index: at, delta: 'x'.repeat(2 ** 20) });
    for (let at = 0; at < 100; at += 1) {
      reader.push(delta(at), at);
      reader.push(JSON.stringify({ type: 'response.output_item.done', output_index: at, item: { id: `i${at}` } }), at);
    }
    expect(reader.answer().notRead).toBeUndefined();
    expect(reader.answer().items.length).toBe(100);
  });
});

async function run(command: string, args: readonly string[], input: Buffer): Promise<Buffer> {
  const child = spawn(command, args, { stdio: ['pipe', 'pipe', 'inherit'] });
  child.stdin.end(input);
  return Buffer.concat(await child.stdout.toArray());
}
