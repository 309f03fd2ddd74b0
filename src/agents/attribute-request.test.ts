import { describe, expect, it } from 'vitest';

import { attributeRequest } from './attribute-request.ts';

const path = '/backend-api/codex/responses';
const session = '0199f0a2-0000-7000-8000-000000000001';

describe('attributeRequest', () => {
  it.each([
    { originator: 'codex_exec', 'User-Agent': 'codex_exec/0.169.0 (Debian 12; x86_64)' },
    { originator: 'codex-tui' },
    { originator: 'codex_cli_rs' },
    { originator: 'Codex Desktop' },
    { 'user-agent': 'codex_cli_rs/0.77.0 (…)' },
  ])('calls Codex Codex: %j', (headers) => {
    expect(attributeRequest('chatgpt.com', Object.entries(headers), path)).toMatchObject({ agent: 'codex' });
  });

  it.each([
    ['opencode', { originator: 'opencode', 'User-Agent': 'opencode/1.18.33 ai-sdk/5' }],
    ['opencode', { originator: 'opencode', 'User-Agent': 'OpenCode/1.18.33' }],
    ['curl', { 'User-Agent': 'curl/8.5.0' }],
    ['codexify', { 'User-Agent': 'codexify/1.0' }],
    ['evil', { 'User-Agent': 'evil codex_exec/0.169.0' }],
    ['mozilla', { 'user-agent': 'Mozilla/5.0 (codex)' }],
    ['unknown', {}],
    ['unknown', { 'user-agent': '' }],
    ['unknown', { 'user-agent': '(nothing)' }],
  ])('calls another program by its product, %s, and never Codex', (agent, headers) => {
    expect(attributeRequest('chatgpt.com', Object.entries(headers), path)).toMatchObject({ agent, profile: null });
  });

  it('knows no Codex on a host that is not one of its own', () => {
    const headers = [['originator', 'codex_exec']] as const;
    expect(attributeRequest('eu.chatgpt.com', headers, path).agent).toBe('codex');
    expect(attributeRequest('notchatgpt.com', headers, path).agent).toBe('unknown');
  });

  it('reads the session, and which requests are apart from any', () => {
    const of = (metadata: object, more: Record<string, string> = {}): ReturnType<typeof attributeRequest> =>
      attributeRequest(
        'chatgpt.com',
        Object.entries({ originator: 'codex-tui', 'x-codex-turn-metadata': JSON.stringify(metadata), ...more }),
        path,
      );
    expect(of({ session_id: session, workspaces: { '/home/dev/project': {} } })).toMatchObject({
      sessionId: session,
      cwd: '/home/dev/project',
      isBackground: false,
    });
    // The refused upgrade before a title request says `prewarm`, and is the title's all the same.
    expect(of({ session_id: session, thread_source: 'thread_title', request_kind: 'prewarm' }).isBackground).toBe(true);
    expect(of({}, { 'session-id': session }).sessionId).toBe(session);
    expect(of({}).sessionId).toBeNull();
    const opencode = [
      ['originator', 'opencode'],
      ['x-session-id', 'ses_1'],
    ] as const;
    expect(attributeRequest('chatgpt.com', opencode, path).sessionId).toBe('ses_1');
  });
});
