import { expect, test } from 'vitest';

import { seededRandom } from '../../test/support/any-json.ts';
import { ChunkTimesBuilder, unpackChunkTimes } from './chunk-times.ts';

test('times come back to the microsecond, and sizes as they were', () => {
  const random = seededRandom(7);
  for (const count of [1, 2, 300, 5000]) {
    const builder = new ChunkTimesBuilder(1234.567);
    const given: { atMs: number; bytes: number }[] = [];
    let atMs = random() * 1000;
    for (let at = 0; at < count; at++) {
      atMs += random() * (at % 50 === 0 ? 90_000 : 40);
      given.push({ atMs, bytes: 1 + Math.floor(random() ** 4 * 70_000) });
      builder.add(atMs, given.at(-1)!.bytes);
    }
    const read = unpackChunkTimes(builder.pack()!)!;
    expect(read.baseMs).toBe(1234.567);
    expect(read.chunks.map(({ bytes }) => bytes)).toEqual(given.map(({ bytes }) => bytes));
    for (const [at, chunk] of read.chunks.entries()) expect(Math.abs(chunk.atMs - given[at]!.atMs)).toBeLessThan(0.001);
  }
});

test('a chunk takes about five bytes where clocks are as they are, and less where they are even', () => {
  const random = seededRandom(3);
  const [uneven, even] = [new ChunkTimesBuilder(0), new ChunkTimesBuilder(0)];
  let atMs = 400;
  for (let at = 0; at < 1000; at++) {
    uneven.add((atMs += 10 + random() * 30), 150 + Math.floor(random() * 20));
    even.add(20 * at, 180);
  }
  expect(uneven.pack()!.length).toBeLessThan(5000);
  expect(even.pack()!.length).toBeLessThan(100);
});

test('no chunk, no bytes; what comes after too many is counted with the last', () => {
  const builder = new ChunkTimesBuilder(0);
  builder.add(1, 0);
  expect(builder.pack()).toBe(null);
  for (let at = 0; at < 70_000; at++) builder.add(at, 2);
  const { chunks } = unpackChunkTimes(builder.pack()!)!;
  expect(chunks).toHaveLength(65_536);
  expect(chunks.reduce((sum, { bytes }) => sum + bytes, 0)).toBe(140_000);
});

test('what is no such thing is told from one', () => {
  const builder = new ChunkTimesBuilder(0);
  for (let at = 0; at < 100; at++) builder.add(at * 3, 10 + at);
  const packed = builder.pack()!;
  for (const bad of [
    [],
    [9, 1, 1],
    [0],
    [0, 5, 0, 1],
    [1, 255, 255],
    [...packed.subarray(0, -1)],
    [0, 1, 0, 0, 1, 1],
  ]) {
    expect(unpackChunkTimes(Uint8Array.from(bad))).toBe(null);
  }
});
