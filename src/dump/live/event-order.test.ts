// The order of a file: by time across exchanges, as told within one.
import { expect, it } from 'vitest';

import type { DumpEvent } from '../dump-event.ts';
import { EventOrder } from './event-order.ts';

const event = (exchangeId: string, mono: number): DumpEvent => ({
  type: 'requestEnded',
  exchangeId,
  at: 1e12 + mono,
  mono,
});
const say = (events: readonly DumpEvent[]): string[] =>
  events.map((one) => `${'exchangeId' in one ? one.exchangeId : ''}${one.mono}`);

it('waits for what may be earlier, and not longer', () => {
  const order = new EventOrder(100);
  for (const one of [event('a', 50), event('b', 20), event('a', 140)]) order.push(one);
  expect(say(order.pass(119))).toEqual([]);
  expect(say(order.pass(140))).toEqual(['b20']);
  expect(say(order.pass(160))).toEqual(['a50']);
  expect(say(order.flush())).toEqual(['a140']);
});

it('never tells an event of an exchange before the one that was told before it', () => {
  const order = new EventOrder(100);
  order.push(event('a', 50));
  order.push(event('a', 30));
  expect(say(order.flush())).toEqual(['a50', 'a50']);
});
