import { expect, test } from 'vitest';

import { cutIntoChunks } from '../../test/support/chunks.ts';
import { BytePile } from './byte-pile.ts';

test('gives back what was put in, however it came, and begins anew', () => {
  const bytes = Buffer.from(Array.from({ length: 300_000 }, (_, at) => (at * 31) & 255));
  const pile = new BytePile();
  for (const largest of [1, 700, 9000, 300_000]) {
    for (const chunk of cutIntoChunks(bytes, largest, largest)) pile.push(chunk);
    expect(pile.length).toBe(bytes.length);
    expect(Buffer.compare(pile.take(), bytes)).toBe(0);
    expect(pile.length).toBe(0);
  }
});
