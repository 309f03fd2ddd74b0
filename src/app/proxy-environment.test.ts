import { describe, expect, it } from 'vitest';

import { profiles } from '../agents/index.ts';
import { enterProxy, leadsTo, leaveProxy, withoutProxy } from './proxy-environment.ts';
import type { StandingProxy } from './standing-proxy.ts';

const standing: StandingProxy = {
  port: 8080,
  password: '0123456789abcdef0123456789abcdef',
  isAuthenticated: true,
  certificateFile: '/home/dev/.tapes/ca/root.pem',
  interceptHosts: [...profiles.flatMap(({ interceptHosts }) => interceptHosts), '*.example.com'],
  process: null,
};
const url = `http://tapes:${standing.password}@127.0.0.1:8080`;

type Environment = Readonly<Record<string, string | undefined>>;
const enter = (environment: Environment): Record<string, string | undefined> => {
  const after = { ...environment };
  for (const { name, value } of enterProxy(environment, standing, profiles)) after[name] = value ?? undefined;
  return JSON.parse(JSON.stringify(after)) as Record<string, string>;
};
const leave = (environment: Environment): Record<string, string | undefined> => {
  const after = { ...environment };
  for (const { name, value } of leaveProxy(environment, standing, profiles)) after[name] = value ?? undefined;
  return JSON.parse(JSON.stringify(after)) as Record<string, string>;
};

const shells: readonly [string, Environment][] = [
  ['an empty one', {}],
  ['one with other things', { PATH: '/bin', HOME: '/home/dev' }],
  [
    'one behind a company proxy',
    { HTTPS_PROXY: 'http://proxy.example:3128', https_proxy: 'http://proxy.example:3128' },
  ],
  ['one with roots of its own', { CODEX_CA_CERTIFICATE: '/etc/ssl/company.pem' }],
  ['one whose NO_PROXY hides a host', { NO_PROXY: 'localhost,.chatgpt.com', no_proxy: '*' }],
  ['one whose NO_PROXY hides a host of --host-name', { NO_PROXY: 'localhost,llm.example.com' }],
  ['one whose NO_PROXY hides nothing', { NO_PROXY: 'localhost' }],
];

describe('a shell', () => {
  it.each(shells)('%s is as it was when it has left', (_name, environment) => {
    const inside = enter(environment);
    expect(inside).toMatchObject({
      HTTPS_PROXY: url,
      https_proxy: url,
      CODEX_CA_CERTIFICATE: standing.certificateFile,
    });
    expect(leave(inside)).toEqual(environment);
  });

  it.each(shells)('%s may enter twice, and still comes back to where it was', (_name, environment) => {
    const inside = enter(environment);
    expect(enter(inside)).toEqual(inside);
    expect(leave(enter(inside))).toEqual(environment);
  });

  it.each(shells)('%s: what tapes starts from inside is what was before', (_name, environment) => {
    expect(withoutProxy(enter(environment), standing, profiles)).toEqual(environment);
  });

  it('keeps of NO_PROXY what hides no intercepted host', () => {
    expect(enter({ NO_PROXY: 'localhost,.chatgpt.com,internal.example' })['NO_PROXY']).toBe(
      'localhost,internal.example',
    );
    expect(enter({ NO_PROXY: 'localhost,llm.example.com' })['NO_PROXY']).toBe('localhost');
    const inside = enter({ NO_PROXY: '*' });
    expect(inside['NO_PROXY']).toBeUndefined();
    expect(leave(inside)).toEqual({ NO_PROXY: '*' });
  });

  it('that leads elsewhere is left alone', () => {
    const elsewhere = { HTTPS_PROXY: 'http://127.0.0.1:3128', CODEX_CA_CERTIFICATE: '/etc/company.pem' };
    expect(leave(elsewhere)).toEqual(elsewhere);
    expect(withoutProxy(elsewhere, standing, profiles)).toEqual(elsewhere);
    expect(withoutProxy(elsewhere, null, profiles)).toEqual(elsewhere);
  });
});

it.each([
  [url, true],
  ['http://127.0.0.1:8080', true],
  ['http://tapes:an-older-one@localhost:8080/', true],
  ['http://127.0.0.1:8081', false],
  ['http://proxy.example:8080', false],
  ['8080', false],
  [undefined, false],
])('%s leads to it: %s', (value, expected) => {
  expect(leadsTo(value, standing)).toBe(expected);
});
