import { expect, test } from 'vitest';

import { packData, unpackData, type DataEvent } from './index.ts';

test('pieces come back as they were, in order, from one buffer that can be transferred', () => {
  const events = Array.from({ length: 300 }, (_, at): DataEvent => ({
    type: at % 7 === 0 ? 'requestData' : 'responseData',
    exchangeId: `ex-${at % 5}`,
    data: Buffer.from('x'.repeat(at % 11) + String(at)),
    at: 1_795_000_000_000 + at / 1000,
    mono: at * 1.25,
  }));

  const sent = structuredClone(packData(events), { transfer: [] });
  const packed = packData(events);
  const moved = structuredClone(packed, { transfer: [packed.bytes.buffer] });

  for (const one of [sent, moved]) {
    const back = unpackData(one);
    expect(back.map(({ data, ...rest }) => ({ ...rest, data: Buffer.from(data).toString() }))).toEqual(
      events.map(({ data, ...rest }) => ({ ...rest, data: Buffer.from(data).toString() })),
    );
    expect(new Set(back.map(({ data }) => data.buffer)).size).toBe(1);
  }
  expect(packed.bytes.length).toBe(0);
  expect(unpackData(packData([]))).toEqual([]);
});
