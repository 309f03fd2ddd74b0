import { createHash } from 'node:crypto';

import { expect, test } from 'vitest';

import { seededRandom } from '../../test/support/any-json.ts';
import { plainAnswer, sse } from '../../test/support/wire-script.ts';
import { packBody, unpackBody } from './compression.ts';
import { dictionary1 } from './dictionary.ts';

test('the dictionary is the one that was used when recordings were made', () => {
  const hash = createHash('sha256').update(dictionary1).digest('hex');
  expect(hash).toBe('0979644037c535e36d6eff2f43b2d3f7183211bf64e27339c12eda3a84b9fc95');
});

test.each([
  ['nothing', Buffer.alloc(0), 'plain'],
  ['what would not shrink', Buffer.from(Array.from({ length: 500 }, (_, at) => seededRandom(at)() * 256)), 'plain'],
  ['a small answer', Buffer.from(plainAnswer('Hello there.').map(sse).join('')), 'deflate-1'],
  ['a large answer', Buffer.from(plainAnswer('Hello '.repeat(2000)).map(sse).join('')), 'brotli'],
])('%s comes back as it was', async (_, bytes, storage) => {
  const packed = await packBody(bytes);

  expect(packed.storage).toBe(storage);
  expect(packed.data.length).toBeLessThanOrEqual(bytes.length);
  expect(Buffer.from(await unpackBody(packed)).equals(bytes)).toBe(true);
});
