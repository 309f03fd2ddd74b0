import { describe, expect, it } from 'vitest';

import { TapesError } from '../errors.ts';
import { parseProxyUrl } from './upstream-proxy.ts';

describe('parseProxyUrl', () => {
  it('reads scheme, port and credentials', () => {
    expect(parseProxyUrl('http://me:p%40ss@proxy.example', 'HTTPS_PROXY')).toEqual({
      scheme: 'http',
      host: 'proxy.example',
      port: 80,
      authorization: `Basic ${Buffer.from('me:p@ss').toString('base64')}`,
    });
    expect(parseProxyUrl('proxy.example:3128', 'HTTPS_PROXY')).toMatchObject({
      scheme: 'http',
      port: 3128,
      authorization: null,
    });
    expect(parseProxyUrl('https://proxy.example', 'HTTPS_PROXY')).toMatchObject({ scheme: 'https', port: 443 });
    expect(parseProxyUrl('socks5://me:p%40ss@[::1]', 'ALL_PROXY')).toEqual({
      scheme: 'socks5',
      host: '::1',
      port: 1080,
      credentials: { username: 'me', password: 'p@ss' },
      resolves: 'tapes',
    });
    expect(parseProxyUrl('socks5h://proxy.example:9050', 'ALL_PROXY')).toMatchObject({
      port: 9050,
      credentials: null,
      resolves: 'proxy',
    });
  });

  it.each(['socks4://me:hunter22@proxy.example', 'http://me:hunter22%zz@proxy.example', 'http://hunter22@'])(
    'never repeats the value of a malformed one, which may hold a password: %s',
    (value) => {
      const failure = ((): unknown => {
        try {
          return parseProxyUrl(value, 'ALL_PROXY');
        } catch (error) {
          return error;
        }
      })();
      expect(failure).toBeInstanceOf(TapesError);
      expect((failure as TapesError).message).not.toContain('hunter22');
      expect((failure as TapesError).message).toContain('ALL_PROXY');
    },
  );
});
