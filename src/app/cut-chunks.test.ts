import { expect, test } from 'vitest';

import { cutChunks } from './cut-chunks.ts';

async function cut(pieces: readonly string[], ...sizes: readonly number[]): Promise<string[]> {
  async function* given(): AsyncGenerator<{ data: Uint8Array }> {
    for (const piece of pieces) yield { data: Buffer.from(piece) };
  }
  const chunks = sizes.map((bytes, at) => ({ atMs: at * 10, bytes }));
  const result: string[] = [];
  for await (const { atMs, data } of cutChunks(given(), chunks)) result.push(`${atMs} ${Buffer.from(data).toString()}`);
  return result;
}

test('a body is cut where its chunks were, whatever pieces it is read in', async () => {
  for (const pieces of [['abcdefgh'], ['a', 'bcd', 'efg', 'h'], ['abc', 'defgh']]) {
    expect(await cut(pieces, 3, 1, 4)).toEqual(['0 abc', '10 d', '20 efgh']);
  }
});

test('more bytes than were said go with the last chunk, fewer leave the later ones out', async () => {
  expect(await cut(['abcdefgh'], 3, 1)).toEqual(['0 abc', '10 defgh']);
  expect(await cut(['ab', 'cd'], 3, 3, 3)).toEqual(['0 abc', '10 d']);
  expect(await cut([], 3)).toEqual([]);
});
