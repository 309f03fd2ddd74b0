// What is kept beside marks gives back the lengths of the wire, and the very bytes of a vault that keeps lengths.
import { describe, expect, it } from 'vitest';

import { stretchHeaders, stretchMarks } from './mark-lengths.ts';
import { Vault } from './vault.ts';

const key = Buffer.alloc(32, 7);
const secret = 'Zx81q7Lm9tR4vKw2Pb6Ny3';

describe('marks', () => {
  it('become as long as their secrets, in headers of every kind', () => {
    const headers = [
      ['Authorization', `Bearer   ${secret}`],
      ['Proxy-Authorization', 'Basic dXNlcjpQYXNzd29yZC0xMjM0NQ=='],
      ['Cookie', `a=${secret}; b="Other-Secret-Value-77"; c=1; ${secret}`],
      ['Set-Cookie', `id=${secret}; Path=/; HttpOnly`],
      ['X-Api-Key', 'short'],
      ['x-auth', `token ${secret}`],
      ['Location', `https://a.example/cb?code=${secret}&state=${secret}`],
      ['x-debug', `token was ${secret}`],
      ['accept', '*/*'],
    ] as const;
    const kept = new Vault(key).maskHeadersWithLengths(headers);
    expect(kept.headers).toEqual(new Vault(key).maskHeaders(headers));
    const stretched = stretchHeaders(kept.headers, JSON.parse(JSON.stringify(kept.lengths)) as typeof kept.lengths);
    expect(stretched).toEqual(new Vault(key, { keepsLengths: true }).maskHeaders(headers));
    expect(stretched.map(([, value]) => value.length)).toEqual(headers.map(([, value]) => value.length));
    expect(JSON.stringify(stretched)).not.toContain(secret);
  });

  it('become as long in paths, though what is written there is another spelling', () => {
    const path = `/v1?access_token=${secret}%2Fx%2Fy&q=1&api_key=abc&sig=${secret}#id_token=${secret}`;
    const kept = new Vault(key).maskPathWithLengths(path);
    expect(kept.path).toBe(new Vault(key).maskPath(path));
    const stretched = stretchMarks(kept.path, kept.lengths);
    expect(stretched).toBe(new Vault(key, { keepsLengths: true }).maskPath(path));
    expect(stretched).toHaveLength(path.length);
  });

  it('stay as they are where no length was kept', () => {
    expect(stretchHeaders([['authorization', 'Bearer masked:0123abcd']], {})).toEqual([
      ['authorization', 'Bearer masked:0123abcd'],
    ]);
  });
});
