import { describe, expect, it } from 'vitest';

import { findProfile } from '../../agents/index.ts';
import type { Call } from '../../domain/index.ts';
import { judgeTrial, type TrialContext } from './judge-trial.ts';
import { expected, type Trial } from './run-trial.ts';
import type { Testimony } from './witness.ts';

const context: TrialContext = {
  profile: findProfile('codex')!,
  name: 'codex',
  file: '/opt/codex',
  isScript: false,
  version: 'codex-cli 0.169.0',
  timeoutMs: 15_000,
  now: Date.parse('2026-11-25T12:00:00Z'),
};

const good: Testimony = {
  connectedAt: 1_100,
  trustedAt: 1_150,
  refusals: [],
  upgradesAt: [1_200],
  postedAt: 1_280,
  call: { at: 1_300, hasToken: true, hasAccount: true },
  refusedHosts: new Set(['ab.chatgpt.com:443']),
};

const call = {
  status: 'completed',
  usage: expected.usage,
  output: [{ hash: 'h', type: 'message', role: 'assistant', text: expected.text }],
} as unknown as Call;

function trial(
  more: {
    readonly testimony?: Partial<Testimony>;
    readonly child?: Partial<Trial['child']>;
    readonly recorded?: Partial<Trial['recorded']>;
    readonly root?: Partial<Trial['root']>;
  } = {},
): Trial {
  return {
    root: {
      certificatePem: '',
      fingerprint: '',
      thumbprint: '',
      name: '',
      commonName: '',
      startsAt: new Date('2026-01-01'),
      keyPem: '',
      certificateFile: '/home/dev/.tapes/ca/root.pem',
      expiresAt: new Date('2028-01-01'),
      permittedDomains: ['chatgpt.com', 'api.openai.com'],
      isNew: false,
      ...more.root,
    },
    isOwnRoot: true,
    startedAt: 1_000,
    endedAt: 1_500,
    recordedAt: 1_560,
    child: {
      exitCode: 0,
      signal: null,
      stdout: `${expected.text}\n`,
      stderr: '',
      spawnError: null,
      endedBy: 'itself',
      ...more.child,
    },
    testimony: { ...good, ...more.testimony },
    recorded: { calls: [call], problems: [], ...more.recorded },
  };
}

const judge = (of: Trial, more: Partial<TrialContext> = {}) =>
  new Map(judgeTrial(of, { ...context, ...more }).map((check) => [check.name, check]));

describe('judgeTrial', () => {
  it('gives each step the time since the one before', () => {
    const checks = [...judge(trial()).values()];
    expect(checks.map(({ name, status, durationMs }) => [name, status, durationMs])).toEqual([
      ['proxy', 'ok', 100],
      ['trust', 'ok', 50],
      ['fallback', 'ok', 80],
      ['authorization', 'ok', 20],
      ['answer', 'ok', 200],
      ['recording', 'ok', 60],
      ['network', 'ok', 0],
    ]);
  });

  it('takes a Codex that knows no WebSocket for one that goes over HTTPS', () => {
    const fallback = judge(trial({ testimony: { upgradesAt: [] } })).get('fallback');
    expect(fallback).toMatchObject({ status: 'ok', message: 'asks for no WebSocket: HTTPS from the first' });
  });

  it.each([
    ['asks again and again', { upgradesAt: [1_200, 1_400, 1_800], postedAt: 8_000 }],
    ['waits', { upgradesAt: [1_200], postedAt: 8_000 }],
  ])('warns where the fallback is late because it %s', (_how, testimony) => {
    const checks = judge(trial({ testimony: { ...testimony, call: { ...good.call!, at: 8_010 } } }));
    expect(checks.get('fallback')).toMatchObject({
      status: 'warn',
      message: expect.stringContaining('after 6800 ms'),
      hint: 'npm install -g @openai/codex@latest',
    });
    expect(checks.get('recording')!.status).toBe('ok');
  });

  it('tells of a Codex that stays with the WebSocket, with its last words, and skips the rest', () => {
    const checks = judge(
      trial({
        testimony: { postedAt: null, call: null },
        child: { exitCode: 1, stdout: '', stderr: 'starting\nERROR: stream disconnected\n\nbye\n' },
      }),
    );
    expect(checks.get('fallback')).toMatchObject({
      status: 'fail',
      message:
        'is refused the WebSocket (426), and does not go on over HTTPS: codex exits with 1; it said: ERROR: stream disconnected',
    });
    expect(['authorization', 'answer', 'recording'].map((name) => checks.get(name)!.message)).toEqual([
      'not reached: see fallback',
      'not reached: see fallback',
      'not reached: see fallback',
    ]);
  });

  it('tells an old Codex, an expired root and a root for others apart, and a refusal that it cannot explain', () => {
    const refused = { connectedAt: 1_100, trustedAt: null, refusals: ['cert-rejected'] };
    const trust = (root: Partial<Trial['root']>, more: Partial<TrialContext> = {}) =>
      judge(trial({ testimony: refused, root }), more).get('trust')!;
    expect(trust({}, { version: 'codex-cli 0.114.0' }).message).toContain('does not know CODEX_CA_CERTIFICATE');
    expect(trust({}, { version: 'codex-cli 0.115.0' }).message).not.toContain('does not know');
    expect(trust({ expiresAt: new Date('2026-01-01') }).message).toContain('root.pem has expired');
    expect(trust({ permittedDomains: ['example.com'] }).message).toContain('permits example.com only');
    expect(trust({}).message).toBe('refuses the certificate for chatgpt.com (cert-rejected)');
  });

  it('is not content with an exit code of 0, nor with the answer alone', () => {
    expect(judge(trial({ child: { stdout: 'something else' } })).get('answer')!.status).toBe('fail');
    expect(judge(trial({ child: { exitCode: 1 } })).get('answer')!.status).toBe('fail');
    expect(judge(trial({ child: { exitCode: null, endedBy: 'timeout' } })).get('answer')!.message).toContain(
      'prints the answer: codex had not ended after 15 s, and was killed',
    );
  });

  it.each([
    ['no call', { calls: [] }, '0 calls'],
    ['two calls', { calls: [call, call] }, '2 calls'],
    ['a call that did not end', { calls: [{ ...call, status: 'aborted' as const }] }, 'its status is aborted'],
    ['another text', { calls: [{ ...call, output: [] }] }, 'its text is ""'],
    ['no usage', { calls: [{ ...call, usage: null }] }, 'its usage is null'],
    ['other usage', { calls: [{ ...call, usage: { ...expected.usage, cachedInputTokens: 0 } }] }, 'its usage is {'],
    ['a loss', { problems: ['3 events lost'] }, '3 events lost'],
  ])('fails a recording with %s', (_what, recorded, words) => {
    expect(judge(trial({ recorded })).get('recording')).toMatchObject({
      status: 'fail',
      message: expect.stringContaining(words),
      hint: expect.stringContaining('--json'),
    });
  });
});
