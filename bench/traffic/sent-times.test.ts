import { describe, expect, it } from 'vitest';

import { chunkings } from '../../test/support/chunks.ts';
import { completed, sse, textDelta } from '../../test/support/wire-script.ts';
import { SentTimes } from './sent-times.ts';

const times = [1, 22.5, 333.125, 4444];
const stream = Buffer.from(
  times.map((sent) => sse({ ...textDelta('a naïve word '), sent })).join('') + sse(completed()),
);

describe('SentTimes', () => {
  it.each(chunkings(stream))('reads every time once: $name', ({ chunks }) => {
    const reader = new SentTimes();
    expect(chunks.flatMap((chunk) => reader.push(Buffer.from(chunk)))).toEqual(times);
    expect(reader.isCompleted).toBe(true);
  });

  it('says of a stream that was cut off that it is not completed', () => {
    const reader = new SentTimes();
    reader.push(stream.subarray(0, stream.length - 2));
    expect(reader.isCompleted).toBe(false);
  });
});
