import { expect, it } from 'vitest';

import { encodeDer, readDer } from './der.ts';

it.each([0, 1, 127, 128, 255, 256, 65_535])('reads what it has written: %i bytes', (length) => {
  const value = Buffer.alloc(length, 0x2a);
  const written = encodeDer(0x04, value);
  const [first, second] = readDer(Buffer.concat([written, encodeDer(0x05)]));
  expect(first!.tag).toBe(0x04);
  expect(first!.value.equals(value)).toBe(true);
  expect(first!.bytes.equals(written)).toBe(true);
  expect(second).toEqual({ tag: 0x05, value: Buffer.alloc(0), bytes: Buffer.from([0x05, 0]) });
});

it.each([
  ['a tag alone', '04'],
  ['a length that is cut', '0482ff'],
  ['a value that is cut', '040301'],
  ['a length of five bytes', '04850000000001'],
  ['a length beyond all', '0484ffffffff'],
])('ends at %s', (_what, hex) => {
  const good = encodeDer(0x30, Buffer.from([1, 2]));
  expect(readDer(Buffer.concat([good, Buffer.from(hex, 'hex')]))).toHaveLength(1);
});
