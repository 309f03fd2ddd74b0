import { describe, expect, it } from 'vitest';

import { constraintOf, matchesHost } from './host-glob.ts';

describe('matchesHost', () => {
  it('takes a name without a wildcard as that name alone', () => {
    expect(matchesHost('llm.example.com', 'llm.example.com')).toBe(true);
    expect(matchesHost('llm.example.com', 'a.llm.example.com')).toBe(false);
    expect(matchesHost('llm.example.com', 'llmxexample.com')).toBe(false);
  });

  it('takes * for one character or more, dots among them', () => {
    expect(matchesHost('*.example.com', 'a.example.com')).toBe(true);
    expect(matchesHost('*.example.com', 'a.b.example.com')).toBe(true);
    expect(matchesHost('*.example.com', 'example.com')).toBe(false);
    expect(matchesHost('*.example.com', '.example.com')).toBe(false);
    expect(matchesHost('*.example.com', 'a.example.com.evil.org')).toBe(false);
    expect(matchesHost('api-*.example.com', 'api-eu.example.com')).toBe(true);
    expect(matchesHost('api-*.example.com', 'api.example.com')).toBe(false);
  });
});

describe('constraintOf', () => {
  it.each([
    ['llm.example.com', 'llm.example.com'],
    ['*.example.com', 'example.com'],
    ['api-*.eu.example.com', 'eu.example.com'],
    ['a.*.example.com', 'example.com'],
    ['localhost', 'localhost'],
  ])('%s needs %s', (glob, domain) => {
    expect(constraintOf(glob)).toEqual({ domain });
  });

  it.each([
    ['*', /last part is a wildcard/],
    ['api.*', /last part is a wildcard/],
    ['*.com', /every name below \.com/],
    ['com', /every name below \.com/],
    ['127.0.0.1', /IP addresses/],
    ['::1', /no host name/],
    ['https://example.com', /no host name/],
    ['example.com:443', /no host name/],
    ['a..example.com', /no host name/],
  ])('%s has none, for a reason', (glob, reason) => {
    expect(constraintOf(glob)).toEqual({ reason: expect.stringMatching(reason) });
  });
});
