// Headers that are kept in parts: put together again, by another list of them each time, they are the same.
import type { RawHeaders } from '../../../src/domain/index.ts';
import type { Connection } from '../../../src/store/connection.ts';
import { readHeaders, SharedHeaders } from '../../../src/store/header-parts.ts';
import { seededRandom } from '../../support/chunks.ts';
import type { FuzzTarget } from '../case.ts';
import { mustEqual } from '../expectations.ts';
import { headerLists } from '../samples.ts';

export const sharedHeaders: FuzzTarget = {
  name: 'header-parts',
  samples: headerLists.map((headers) =>
    Buffer.from(headers.map(([name, value]) => `${name}: ${value.slice(0, 60)}`).join('\n')),
  ),
  words: ['__proto__: x\n', 'constructor: \n', '0: 1\n', '\n', ': ', `x: ${'long '.repeat(50)}\n`, '\ud800', '\0'],
  longest: 200,
  async check({ input, seed }) {
    const random = seededRandom(seed);
    const first: RawHeaders = input
      .toString()
      .split('\n')
      .map((line) => [line.split(':', 1)[0]!, line.slice(line.indexOf(':') + 1)] as const);
    const shared = new SharedHeaders();
    const parts = new Map<string, string>();
    const connection = {
      get: async (_sql: string, [hash]: readonly Uint8Array[]) => ({
        headers: parts.get(Buffer.from(hash!).toString('hex')),
      }),
    } as unknown as Connection;
    let headers = first;
    for (let turn = 0; turn < 2; turn += 1) {
      const stored = shared.share(headers);
      for (const part of stored.parts) parts.set(Buffer.from(part.hash).toString('hex'), part.headers);
      const { request } = await readHeaders(connection, {
        id: 'x',
        request_headers: stored.headers,
        request_list: stored.list,
        request_values: stored.values,
        response_headers: null,
        response_list: null,
        response_values: null,
      });
      mustEqual(request, headers, 'put together they are other headers');
      headers = headers.map(
        ([name, value]) => [name, random() < 0.3 ? value + 'é'.repeat(random() * 250) : value] as const,
      );
    }
  },
};
