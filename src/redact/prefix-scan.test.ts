import { describe, expect, it } from 'vitest';

import { randomInt, seededRandom } from '../../test/support/chunks.ts';
import { PrefixScan } from './prefix-scan.ts';

const bytes = (text: string): Buffer => Buffer.from(text, 'latin1');

describe('a look at bytes', () => {
  it('finds the first bytes of a text, sees its beginning at the end, and nothing else', () => {
    const scan = new PrefixScan([bytes('sk-'), bytes('access_token'), bytes('ess_extra')]);
    expect(scan.look(bytes('a task-list'))).toBe('found');
    expect(scan.look(bytes('access_t'))).toBe('found');
    expect(scan.look(bytes('an access_'))).toBe('open');
    expect(scan.look(bytes('accessing'))).toBe('nothing');
    // A text within the beginning of another.
    expect(scan.look(bytes('access_extra'))).toBe('found');
    expect(scan.look(bytes('sk-'), 1)).toBe('nothing');
    expect(scan.look(bytes(''))).toBe('nothing');
    expect(new PrefixScan([]).look(bytes('anything'))).toBe('nothing');
  });

  it('overlooks nothing where every byte begins some text', () => {
    const scan = new PrefixScan(Array.from({ length: 256 }, (_, at) => Uint8Array.of(at, 255 - at, at ^ 0x55)));
    for (let at = 0; at < 256; at += 1) {
      expect(scan.look(Uint8Array.of(7, at, 255 - at, at ^ 0x55))).toBe('found');
      expect(scan.look(Uint8Array.of(at))).toBe('open');
    }
  });

  it('says of random bytes what a search for each text says', () => {
    const random = seededRandom(77);
    const seen = { found: 0, open: 0, nothing: 0 };
    const text = (alphabet: string, longest: number, shortest = 1): string =>
      Array.from(
        { length: randomInt(random, shortest, longest) },
        () => alphabet[randomInt(random, 0, alphabet.length - 1)],
      ).join('');
    for (let round = 0; round < 20_000; round += 1) {
      // Where none is shorter than three bytes, every second place is looked at.
      const shortest = round % 4 === 0 ? 1 : 3;
      const texts = Array.from({ length: randomInt(random, 1, 6) }, () => text('abc', 12, shortest));
      const where = text(`abc${'-'.repeat(randomInt(random, 1, 20))}`, round % 2 === 0 ? 40 : 150, 0);
      const offset = randomInt(random, 0, 1);
      const from = randomInt(random, 0, Math.min(where.length, 4));
      const [rest, prefixes] = [where.slice(from), texts.map((one) => one.slice(0, 8))];
      const isOpen = prefixes.some((one) => Array.from(one).some((_, at) => at > 0 && rest.endsWith(one.slice(0, at))));
      const expected = prefixes.some((one) => rest.includes(one)) ? 'found' : isOpen ? 'open' : 'nothing';
      expect(
        new PrefixScan(texts.map(bytes)).look(bytes('x'.repeat(offset) + where).subarray(offset), from),
        `${texts.join(' ')} in ${rest}`,
      ).toBe(expected);
      seen[expected] += 1;
    }
    expect(Math.min(...Object.values(seen))).toBeGreaterThan(1000);
  });
});
