// Marks without their fingerprints: as long, and nothing else is touched.
import { expect, it } from 'vitest';

import { starMarks } from './plain-marks.ts';

it('stars each mark at its length, leaves all else, and gives null where there is none', () => {
  const text = Buffer.from('é masked:0123abcd**** "masked:ffffffff" masked:xyz masked:0123');
  const starred = Buffer.from(starMarks(text)!).toString();
  expect(starred).toBe(`é ${'*'.repeat(19)} "${'*'.repeat(15)}" masked:xyz masked:0123`);
  expect(starMarks(Buffer.from('nothing masked:0123'))).toBeNull();
});
