import { describe, expect, it } from 'vitest';

import { codex } from './codex.ts';
import { detectAgent, findProfile } from './find-profile.ts';

describe('detectAgent', () => {
  it.each([
    [['codex'], 1],
    [['/usr/local/bin/codex', 'exec'], 1],
    [['C:\\tools\\codex.cmd'], 1],
    [['npx', '-y', '@openai/codex@0.169.0', 'exec'], 3],
    [['node', './node_modules/@openai/codex/bin/codex.js', 'exec'], 2],
    [['env', 'A=1', 'codex'], 3],
  ])('finds Codex in %j', (argv, argumentsAt) => {
    expect(detectAgent(argv)).toEqual({ profile: codex, argumentsAt });
  });

  it.each([[[]], [['git', 'commit', '-m', 'codex']], [['codex-like']], [['sh', '-c', 'codex exec']]])(
    'finds none in %j',
    (argv) => {
      expect(detectAgent(argv)).toBeNull();
    },
  );
});

describe('the Codex profile', () => {
  it('is found by name', () => {
    expect(findProfile('codex')).toBe(codex);
    expect(findProfile('toString')).toBeNull();
  });

  it('intercepts no host that its root would not permit, and no login or telemetry host', () => {
    const isPermitted = (host: string): boolean =>
      codex.certificateDomains.some((domain) => host === domain || host.endsWith(`.${domain}`));
    expect(codex.interceptHosts.filter((host) => !isPermitted(host))).toEqual([]);
    expect(codex.interceptHosts).not.toContain('auth.openai.com');
    expect(codex.interceptHosts).not.toContain('ab.chatgpt.com');
  });

  it('refuses upgrades of Responses paths only', () => {
    expect(codex.isRefusableUpgrade('/backend-api/codex/responses')).toBe(true);
    expect(codex.isRefusableUpgrade('/v1/responses?x=/y')).toBe(true);
    expect(codex.isRefusableUpgrade('/backend-api/realtime?x=/responses')).toBe(false);
  });

  it('reads the backend hosts of accounts/check, and nothing of any other answer', () => {
    const answer = String.raw`{"accounts":[{"workspace_backend_origin":"https:\/\/eu.chatgpt.com"},{"workspace_backend_origin":"nonsense"}]}`;
    expect(codex.readBackendHosts('/backend-api/wham/accounts/check?x', answer)).toEqual(['eu.chatgpt.com']);
    expect(codex.readBackendHosts('/backend-api/codex/models', answer)).toEqual([]);
  });

  it('needs its flag for the TUI and its like, and for nothing that stays in one process', () => {
    const isNeeded = (...args: string[]): boolean => codex.background!.isNeeded(args);
    expect([
      isNeeded(),
      isNeeded('fix it'),
      isNeeded('-m', 'x'),
      isNeeded('resume', '--last'),
      isNeeded('fork'),
      isNeeded('agents'),
    ]).toEqual(Array(6).fill(true));
    expect([
      isNeeded('exec', 'x'),
      isNeeded('e'),
      isNeeded('login'),
      isNeeded('--no-daemon'),
      isNeeded('resume', '--no-daemon'),
      isNeeded('--remote', 'ws://x'),
    ]).toEqual(Array(6).fill(false));
  });
});
