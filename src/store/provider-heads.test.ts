import { expect, test } from 'vitest';

import { seededRandom } from '../../test/support/any-json.ts';
import type { RawHeaders } from '../domain/index.ts';
import { readProviderHeads, tellProviderHeads } from './provider-heads.ts';

const heads = (request: RawHeaders, headers: RawHeaders, status = 200, reason = 'OK') => ({
  request,
  response: { status, reason, headers },
});

test('what is the same on both sides takes nothing', () => {
  const both = heads([['host', 'chatgpt.com']], [['date', 'today']]);
  expect(tellProviderHeads(both, both)).toBe(null);
  expect(tellProviderHeads(both, { request: null, response: null })).toBe(null);
  expect(readProviderHeads(both, null)).toEqual(both);
});

test('a header that was added takes little more than itself', () => {
  const many = Array.from({ length: 20 }, (_, at) => [`x-${at}`, 'v'.repeat(100)] as const);
  const agent = heads(many, []);
  const provider = heads([...many, ['connection', 'keep-alive']], [], 200, '');
  const told = tellProviderHeads(agent, provider)!;
  expect(told).toBe('{"request":[20,["connection","keep-alive"]],"reason":""}');
  expect(readProviderHeads(agent, told)).toEqual(provider);
});

test('any heads come back from any others', () => {
  const random = seededRandom(11);
  const any = (): RawHeaders =>
    Array.from(
      { length: Math.floor(random() * 8) },
      () => [`n${Math.floor(random() * 4)}`, `v${Math.floor(random() * 2)}`] as const,
    );
  for (let round = 0; round < 2000; round++) {
    const [agent, provider] = [heads(any(), any()), heads(any(), any(), 200 + Math.floor(random() * 2))];
    expect(readProviderHeads(agent, tellProviderHeads(agent, provider))).toEqual(provider);
  }
});
