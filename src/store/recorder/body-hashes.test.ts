import { createHash } from 'node:crypto';

import { expect, test } from 'vitest';

import { seededRandom } from '../../../test/support/any-json.ts';
import { BodyHashes } from './body-hashes.ts';

const hashOf = (parts: readonly Uint8Array[]): string =>
  createHash('sha256').update(Buffer.concat(parts)).digest('hex');

/** Digests, and what they would be by themselves: of a mask that holds back a few bytes, and from some byte on writes others (`null`: never). */
function digest(seed: number, isPlain: boolean, maskFrom: number | null): readonly [object, object] {
  const random = seededRandom(seed);
  const hashes = new BodyHashes(isPlain);
  const [wire, decoded, kept]: Buffer[][] = [[], [], []];
  let waiting = Buffer.alloc(0);
  let seen = 0;
  let isMasked = false;
  const give = (chunk: Buffer, hold: number): void => {
    const all = Buffer.concat([waiting, chunk]);
    let out = hold === 0 && waiting.length === 0 ? chunk : Buffer.from(all.subarray(0, all.length - hold));
    waiting = all.subarray(all.length - hold);
    if (maskFrom !== null && seen + out.length > maskFrom && out.length > 0) {
      out = Buffer.from(out);
      out[out.length - 1] = 0x2a;
      isMasked = true;
    }
    seen += out.length;
    decoded!.push(chunk);
    kept!.push(out);
    hashes.add(chunk, out, isMasked);
  };
  for (let at = 0; at < 60; at += 1) {
    const chunk = Buffer.from(Array.from({ length: Math.floor(random() * 20) }, () => Math.floor(random() * 256)));
    if (!isPlain) {
      wire!.push(Buffer.from([at]));
      hashes.addWire(Buffer.from([at]));
    }
    give(chunk, Math.min(waiting.length + chunk.length, random() < 0.5 ? 0 : Math.floor(random() * 30)));
  }
  give(Buffer.alloc(0), 0);
  const alone = { wire: hashOf(isPlain ? decoded! : wire!), decoded: hashOf(decoded!), kept: hashOf(kept!) };
  return [hashes.digest(), alone];
}

test('three hashes are what they would be by themselves, wherever they part, with bytes held back (400 seeded ways)', () => {
  for (let seed = 0; seed < 100; seed += 1) {
    for (const isPlain of [true, false]) {
      for (const maskFrom of [null, seed * 5]) {
        const [together, alone] = digest(seed, isPlain, maskFrom);
        expect(together).toEqual(alone);
      }
    }
  }
});
