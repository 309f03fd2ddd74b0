import { expect, it } from 'vitest';

import type { WireEvent } from '../domain/index.ts';
import { tellHttp1 } from './http1-exchanges.ts';

it('tells what an agent that has ended its half still waited for as hung up, when nobody waits any longer', () => {
  const told: Pick<WireEvent, 'type'>[] = [];
  const connection = { host: 'chatgpt.com', port: 443, client: null };
  const exchanges = tellHttp1(connection, (event) => told.push(event), null);
  exchanges.sent(Buffer.from('GET /a HTTP/1.1\r\nHost: chatgpt.com\r\n\r\n'));
  exchanges.tellHungUp();
  expect([exchanges.openExchanges(), told.length]).toEqual([1, 2]);

  exchanges.sentEnd();
  expect(exchanges.openExchanges()).toBe(0);
  exchanges.tellHungUp();
  exchanges.tellHungUp();
  expect(told.slice(2)).toEqual([expect.objectContaining({ type: 'exchangeAborted', by: 'agent', error: null })]);
});
