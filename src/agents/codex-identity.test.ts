import { describe, expect, it } from 'vitest';

import type { RawHeaders } from '../domain/index.ts';
import { readCodexIdentity } from './codex-identity.ts';
import type { CallIdentity } from './codex-identity.ts';

type Json = Record<string, unknown>;

const path = '/backend-api/codex/responses';
const nobody: CallIdentity = {
  sessionId: null,
  threadId: null,
  parentThreadId: null,
  turnId: null,
  parentTurnId: null,
  agentName: null,
  subagent: null,
  kind: 'turn',
  agentVersion: null,
  originator: null,
  cwd: null,
};
const metadata: Json = {
  session_id: 'S',
  thread_id: 'T',
  agent_name: '/root',
  turn_id: 'U',
  window_id: 'T:0',
  request_kind: 'turn',
  thread_source: 'user',
  workspaces: { '/home/ada/orchard': { has_changes: false }, '/other': {} },
};
const header = (value: Json): [string, string] => ['x-codex-turn-metadata', JSON.stringify(value)];
const environment = (cwd: string): Json => ({
  type: 'message',
  role: 'user',
  content: [{ type: 'input_text', text: `<environment_context>\n  <cwd>${cwd}</cwd>\n</environment_context>` }],
});

describe('the versions of Codex', () => {
  it.each<[string, RawHeaders, Json | null, Partial<CallIdentity>]>([
    [
      '0.77 and 0.80',
      [
        ['conversation_id', 'S'],
        ['session_id', 'S'],
        ['originator', 'codex_exec'],
        ['user-agent', 'codex_exec/0.77.0 (Debian 12.0.0; x86_64) xterm'],
      ],
      { input: [environment('/home/ada/orchard')], instructions: 'x' },
      { sessionId: 'S', agentVersion: '0.77.0', cwd: '/home/ada/orchard' },
    ],
    [
      '0.77 with conversation_id alone',
      [['conversation_id', 'S']],
      null,
      { sessionId: 'S', agentVersion: null, originator: null },
    ],
    [
      'another program on its hosts, whose version is none of Codex',
      [['user-agent', 'curl/7.88.1']],
      { input: 'hello' },
      { agentVersion: null, originator: 'curl' },
    ],
    [
      '0.104 to 0.116',
      [
        ['version', '0.104.0'],
        ['session_id', 'S'],
        header({ turn_id: 'U', workspaces: { '/home/ada/orchard': {} }, sandbox: 'none' }),
        ['originator', 'codex_exec'],
      ],
      { input: [environment('/elsewhere')] },
      { sessionId: 'S', turnId: 'U', agentVersion: '0.104.0', cwd: '/home/ada/orchard' },
    ],
    [
      '0.118 and 0.125',
      [
        ['version', '0.125.0'],
        ['session_id', 'S'],
        header({ turn_id: 'U', session_id: 'S', thread_source: 'user', workspaces: { '/home/ada/orchard': {} } }),
        ['originator', 'codex_exec'],
      ],
      {},
      { sessionId: 'S', turnId: 'U', agentVersion: '0.125.0', cwd: '/home/ada/orchard' },
    ],
    [
      '0.140 and 0.145',
      [
        ['version', '0.140.0'],
        ['session-id', 'S'],
        ['thread-id', 'T'],
        header({
          turn_id: 'U',
          session_id: 'S',
          thread_id: 'T',
          request_kind: 'turn',
          window_id: 'T:0',
          workspaces: { '/home/ada/orchard': {} },
        }),
        ['originator', 'codex_exec'],
      ],
      {},
      { sessionId: 'S', threadId: 'T', turnId: 'U', agentVersion: '0.140.0', cwd: '/home/ada/orchard' },
    ],
    [
      '0.153 to 0.169',
      [['version', '0.169.0'], ['session-id', 'S'], ['thread-id', 'T'], header(metadata), ['originator', 'codex-tui']],
      {
        client_metadata: {
          session_id: 'S',
          thread_id: 'T',
          turn_id: 'U',
          'x-codex-turn-metadata': JSON.stringify(metadata),
        },
      },
      {
        sessionId: 'S',
        threadId: 'T',
        turnId: 'U',
        agentName: '/root',
        agentVersion: '0.169.0',
        originator: 'codex-tui',
        cwd: '/home/ada/orchard',
      },
    ],
  ])('%s', (_, headers, body, expected) => {
    expect(readCodexIdentity(headers, body, path)).toEqual({ ...nobody, originator: 'codex_exec', ...expected });
  });

  it.each(['Session-Id', 'SESSION_ID', 'session-id', 'Conversation-Id'])('may spell the header %s', (name) => {
    expect(readCodexIdentity([[name, 'S']], null, path).sessionId).toBe('S');
  });
});

describe('the kind', () => {
  const kindOf = (more: Json, body: Json = {}, requestPath = path, headers: RawHeaders = []): string =>
    readCodexIdentity([...headers, header({ ...metadata, ...more })], body, requestPath).kind;

  it.each<[string, string]>([
    ['turn', kindOf({})],
    ['prewarm', kindOf({ request_kind: 'prewarm', turn_id: '' })],
    ['prewarm', kindOf({ request_kind: undefined }, { generate: false })],
    ['compaction', kindOf({ request_kind: 'compaction' })],
    ['compaction', kindOf({ request_kind: undefined }, { input: [{ type: 'compaction_trigger' }] })],
    ['compaction', kindOf({}, {}, '/v1/responses/compact?x=1')],
    ['compaction', kindOf({}, {}, path, [['x-openai-subagent', 'compact']])],
    ['title', kindOf({ thread_source: 'thread_title' })],
    ['review', kindOf({ subagent_kind: 'review' })],
    ['review', kindOf({}, {}, path, [['x-openai-subagent', 'review']])],
    ['memory_writing', kindOf({ request_kind: 'memory_writing' })],
    ['turn', kindOf({ request_kind: 7 })],
  ])('is %s', (expected, kind) => expect(kind).toBe(expected));
});

it('reads a sub-agent: thread of its own, session of the root', () => {
  const child = {
    ...metadata,
    thread_id: 'C',
    agent_name: '/root/task',
    turn_id: 'V',
    parent_thread_id: 'T',
    parent_turn_id: 'U',
    thread_source: 'subagent',
  };
  const expected = {
    sessionId: 'S',
    threadId: 'C',
    parentThreadId: 'T',
    turnId: 'V',
    parentTurnId: 'U',
    agentName: '/root/task',
    kind: 'turn',
  };
  const headers: RawHeaders = [['x-openai-subagent', 'collab_spawn'], ['x-codex-parent-thread-id', 'T'], header(child)];
  expect(readCodexIdentity(headers, null, path)).toMatchObject({ ...expected, subagent: 'collab_spawn' });
  const client = { 'x-openai-subagent': 'collab_spawn', 'x-codex-turn-metadata': JSON.stringify(child) };
  expect(readCodexIdentity([], { client_metadata: client }, path)).toMatchObject({
    ...expected,
    subagent: 'collab_spawn',
  });
  const bare: RawHeaders = [
    ['session-id', 'S'],
    ['thread-id', 'C'],
    ['x-codex-parent-thread-id', 'T'],
  ];
  expect(readCodexIdentity(bare, null, path)).toMatchObject({ sessionId: 'S', threadId: 'C', parentThreadId: 'T' });
});

describe('over a WebSocket', () => {
  const handshake: RawHeaders = [
    ['version', '0.169.0'],
    ['session-id', 'S'],
    header({ ...metadata, turn_id: '', request_kind: 'prewarm' }),
  ];

  it('the body speaks of the call, and the headers only of the handshake', () => {
    const body = { client_metadata: { turn_id: 'U', 'x-codex-turn-metadata': JSON.stringify(metadata) } };
    expect(readCodexIdentity(handshake, body, path)).toMatchObject({
      turnId: 'U',
      kind: 'turn',
      agentVersion: '0.169.0',
    });
  });

  it('a prewarm has no turn', () => {
    const own = { ...metadata, turn_id: '', request_kind: 'prewarm' };
    const body = { generate: false, client_metadata: { turn_id: '', 'x-codex-turn-metadata': JSON.stringify(own) } };
    expect(readCodexIdentity([...handshake, header(metadata)], body, path)).toMatchObject({
      turnId: null,
      kind: 'prewarm',
    });
  });
});

describe('what is odd', () => {
  it('says nothing: ids that are no strings, empty or huge ones', () => {
    const odd = {
      session_id: 7,
      thread_id: {},
      turn_id: '',
      agent_name: null,
      parent_thread_id: ['x'],
      window_id: 'x'.repeat(1000),
      workspaces: [],
    };
    expect(
      readCodexIdentity([header(odd)], { client_metadata: { session_id: 1, 'x-openai-subagent': {} } }, path),
    ).toEqual(nobody);
  });

  it.each(['', '{', 'null', '[]', '7', '"x"'])('metadata %j is passed over', (text) => {
    expect(
      readCodexIdentity(
        [
          ['x-codex-turn-metadata', text],
          ['session-id', 'S'],
        ],
        null,
        path,
      ),
    ).toEqual({ ...nobody, sessionId: 'S' });
  });

  it('no body, no headers: nothing is known', () => {
    expect(readCodexIdentity([], null, path)).toEqual(nobody);
    expect(
      readCodexIdentity([], { input: [null, 1, 'x', { role: 'user', content: 'x' }], client_metadata: 7 }, ''),
    ).toEqual(nobody);
  });

  it('metadata may be an object in the body, and the window may name the thread', () => {
    expect(readCodexIdentity([], { client_metadata: { 'x-codex-turn-metadata': metadata } }, path).turnId).toBe('U');
    expect(readCodexIdentity([['x-codex-window-id', 'T:12']], null, path).threadId).toBe('T');
  });

  it('the last environment context tells the folder, with XML undone', () => {
    const body = { input: [environment('/old'), environment('/home/a &amp; b')] };
    expect(readCodexIdentity([], body, path).cwd).toBe('/home/a & b');
  });

  it('the user agent tells version and originator where no header does', () => {
    expect(readCodexIdentity([['User-Agent', 'codex_vscode/0.150.1-alpha (Mac)']], null, path)).toMatchObject({
      agentVersion: '0.150.1-alpha',
      originator: 'codex_vscode',
    });
  });
});
