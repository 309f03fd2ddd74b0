import { describe, expect, it } from 'vitest';

import { parseProxyUrl } from './upstream-proxy.ts';
import { findRoute, isExcluded, parseResolve, readProxyEnvironment, withoutEntriesFor } from './upstream-route.ts';

describe('parseResolve', () => {
  it('reads what curl reads, with and without a second port', () => {
    expect(parseResolve('ChatGPT.com:443:127.0.0.1:8443')).toEqual({
      host: 'chatgpt.com',
      port: 443,
      toAddress: '127.0.0.1',
      toPort: 8443,
    });
    expect(parseResolve('chatgpt.com:443:10.0.0.1')).toEqual({
      host: 'chatgpt.com',
      port: 443,
      toAddress: '10.0.0.1',
      toPort: 443,
    });
    expect(parseResolve('chatgpt.com:443:[::1]:8443')).toEqual({
      host: 'chatgpt.com',
      port: 443,
      toAddress: '::1',
      toPort: 8443,
    });
    expect(parseResolve('*:443:127.0.0.1')).toMatchObject({ host: '*' });
  });

  it.each([
    '',
    'chatgpt.com',
    'chatgpt.com:443',
    'chatgpt.com:x:127.0.0.1',
    'chatgpt.com:0:127.0.0.1',
    'a:443:b:99999',
    'a:1:::1',
  ])('refuses %j with a hint', (value) => {
    expect(() => parseResolve(value)).toThrow(
      expect.objectContaining({ code: 'E_RESOLVE_INVALID', hint: expect.any(String) }),
    );
  });
});

describe('NO_PROXY', () => {
  it('covers a name, its subdomains, a port and everything', () => {
    expect(isExcluded('chatgpt.com', 'chatgpt.com', 443)).toBe(true);
    expect(isExcluded('.chatgpt.com', 'ab.chatgpt.com', 443)).toBe(true);
    expect(isExcluded('*.chatgpt.com', 'ab.chatgpt.com', 443)).toBe(true);
    expect(isExcluded('chatgpt.com:8443', 'chatgpt.com', 443)).toBe(false);
    expect(isExcluded('localhost, *', 'chatgpt.com', 443)).toBe(true);
    expect(isExcluded('notchatgpt.com,gpt.com', 'chatgpt.com', 443)).toBe(false);
  });

  it('covers the addresses of a network', () => {
    expect(isExcluded('10.0.0.0/8', '10.1.2.3', 443)).toBe(true);
    expect(isExcluded('10.0.0.0/8', '11.1.2.3', 443)).toBe(false);
    expect(isExcluded('fd00::/8', 'fd00::1', 443)).toBe(true);
    expect(isExcluded('[fd00::]/8', 'fe80::1', 443)).toBe(false);
    expect(isExcluded('10.0.0.0/8', 'chatgpt.com', 443)).toBe(false);
    expect(isExcluded('10.0.0.0/99', '10.0.0.1', 443)).toBe(false);
  });

  it('is trimmed of what would hide an intercepted host, and of nothing else', () => {
    const hosts = ['chatgpt.com', 'api.openai.com'];
    expect(withoutEntriesFor('localhost,chatgpt.com, .openai.com ,10.0.0.0/8', hosts)).toBe('localhost,10.0.0.0/8');
    expect(withoutEntriesFor('*', hosts)).toBe('');
    expect(withoutEntriesFor('LLM.example.com,example.com,example.org', ['*.example.com'])).toBe('example.org');
  });
});

describe('findRoute', () => {
  const proxy = parseProxyUrl('http://proxy.example:3128', 'HTTPS_PROXY');
  const routes = { resolve: [parseResolve('chatgpt.com:443:127.0.0.1:8443')], proxy, noProxy: 'internal.example' };

  it('prefers a --resolve rule, then NO_PROXY, then the proxy', () => {
    expect(findRoute(routes, 'chatgpt.com', 443)).toEqual({ type: 'direct', address: '127.0.0.1', port: 8443 });
    expect(findRoute(routes, 'internal.example', 443)).toEqual({
      type: 'direct',
      address: 'internal.example',
      port: 443,
    });
    expect(findRoute(routes, 'other.example', 443)).toEqual({ type: 'proxy', proxy });
  });

  it("reads the user's own proxy from the environment, the small spelling first as curl does", () => {
    expect(readProxyEnvironment({ https_proxy: 'http://small:1', HTTPS_PROXY: 'http://large:2' }).proxy?.host).toBe(
      'small',
    );
    expect(readProxyEnvironment({ ALL_PROXY: 'http://all:3' }).proxy?.host).toBe('all');
    expect(readProxyEnvironment({}).proxy).toBeNull();
  });
});
