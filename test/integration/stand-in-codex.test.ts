// The real Codex against the stand-in, without tapes: the baseline that tapes must not change, and the proof that the
// stand-in says what Codex understands.
import { afterEach, describe, expect, test } from 'vitest';
import {
  compaction,
  cutAfter,
  execCommand,
  headerValue,
  reasoning,
  spawnAgent,
  startStandIn,
  text,
  together,
  toolCall,
  usageLimitReached,
  waitAgent,
  webSearch,
  type ReceivedCall,
  type StandIn,
  type StandInOptions,
} from '../support/chatgpt/index.ts';
import {
  codexBin,
  directEnv,
  makeCodexHome,
  runCodexDirect,
  type CodexHome,
  type CodexHomeOptions,
} from '../support/codex.ts';
import { startConnectRelay } from '../support/connect-relay.ts';
import { openTerminal } from '../support/tmux.ts';

let standIn: StandIn;
let home: CodexHome;

afterEach(async () => {
  await standIn.close();
  home.remove();
});

async function open(options: StandInOptions, homeOptions?: CodexHomeOptions): Promise<void> {
  standIn = await startStandIn(options);
  home = makeCodexHome(homeOptions);
}

const sayHello = ['exec', '--skip-git-repo-check', 'say hello'];
const toolTurn = [
  together(reasoning('Planning'), toolCall({ input: execCommand('echo TOOL-MARK') })),
  text('The tool ran.'),
];

/** Types of the items in a call's input, the opening ones (tools, instructions, environment) left out. */
function itemTypes(call: ReceivedCall | undefined): string[] {
  const input = call?.json()['input'] as readonly { readonly type: string; readonly role?: string }[];
  return input.filter(({ type, role }) => type !== 'additional_tools' && role !== 'developer').map(({ type }) => type);
}

describe('over a WebSocket', () => {
  test('a plain turn is a prewarm and one call', async () => {
    await open({ scenario: [text('Hello from the stand-in.')] });
    const run = await runCodexDirect(standIn, sayHello, { home });
    expect(run).toMatchObject({ exitCode: 0, signal: null, stdout: 'Hello from the stand-in.\n' });
    expect(standIn.calls.map(({ kind, transport, ended }) => [kind, transport, ended])).toEqual([
      ['prewarm', 'websocket', 'sent'],
      ['turn', 'websocket', 'sent'],
    ]);
    expect(standIn.calls[1]?.json()['previous_response_id']).toBe('resp_warm1');
    const upgrade = standIn.requests.find(({ transport }) => transport === 'websocket');
    expect(upgrade).toMatchObject({ status: 101, httpVersion: '1.1', path: '/backend-api/codex/responses' });
    expect(headerValue(upgrade?.rawHeaders ?? [], 'authorization')).toBe(`Bearer ${home.tokens.accessToken}`);
  });

  test('a tool call is run, and only its output is sent back', async () => {
    await open({ scenario: toolTurn });
    const run = await runCodexDirect(standIn, sayHello, { home });
    expect(run).toMatchObject({ exitCode: 0, stdout: 'The tool ran.\n' });
    expect(standIn.calls).toHaveLength(3);
    expect(itemTypes(standIn.calls[2])).toEqual(['custom_tool_call_output']);
    expect(standIn.calls[2]?.text).toContain('TOOL-MARK');
    expect(standIn.calls[2]?.json()['previous_response_id']).toBe('resp_1');
  });
});

describe.each([
  ['HTTP/1.1', false],
  ['HTTP/2', true],
])('refused with 426, over %s', (_name, http2) => {
  test('a plain turn is one POST', async () => {
    await open({ scenario: [text('Hello from the stand-in.')], websocket: 'refuse-426', http2 });
    const run = await runCodexDirect(standIn, sayHello, { home });
    expect(run).toMatchObject({ exitCode: 0, signal: null, stdout: 'Hello from the stand-in.\n' });
    expect(standIn.calls).toHaveLength(1);
    const [call] = standIn.calls;
    expect(call).toMatchObject({ kind: 'turn', transport: 'https', ended: 'sent', responseId: 'resp_1' });
    expect(call?.request).toMatchObject({ httpVersion: http2 ? '2.0' : '1.1', host: 'chatgpt.com', status: 200 });
    expect(headerValue(call?.request.rawHeaders ?? [], 'content-encoding')).toBe('zstd');
    expect(headerValue(call?.request.rawHeaders ?? [], 'chatgpt-account-id')).toBe(home.tokens.accountId);
    expect(call?.bodyBytes.length).toBeLessThan(call?.text.length ?? 0);
    expect(run.connects).toContain('chatgpt.com:443');
  });

  test('a tool call is run, and the whole conversation is sent back', async () => {
    await open({ scenario: toolTurn, websocket: 'refuse-426', http2 });
    const run = await runCodexDirect(standIn, sayHello, { home });
    expect(run).toMatchObject({ exitCode: 0, stdout: 'The tool ran.\n' });
    expect(standIn.calls).toHaveLength(2);
    const [first, second] = standIn.calls;
    expect(itemTypes(second).slice(itemTypes(first).length)).toEqual([
      'reasoning',
      'custom_tool_call',
      'custom_tool_call_output',
    ]);
    expect(second?.text).toContain('TOOL-MARK');
    expect(second?.metadata['turn_id']).toBe(first?.metadata['turn_id']);
  });
});

test('an API key goes to api.openai.com, uncompressed', async () => {
  await open({ scenario: [text('Hello')], websocket: 'refuse-426' }, { auth: 'apikey' });
  expect(await runCodexDirect(standIn, sayHello, { home })).toMatchObject({ exitCode: 0, stdout: 'Hello\n' });
  const request = standIn.calls[0]?.request;
  expect(request).toMatchObject({ host: 'api.openai.com', path: '/v1/responses' });
  expect(headerValue(request?.rawHeaders ?? [], 'authorization')).toBe(`Bearer ${home.apiKey}`);
  expect(headerValue(request?.rawHeaders ?? [], 'content-encoding')).toBeNull();
});

test('a token about to expire is refreshed first, and the new one is used', async () => {
  await open({ scenario: [text('Hello')], websocket: 'refuse-426' }, { expiresInMs: 30_000 });
  expect(await runCodexDirect(standIn, sayHello, { home })).toMatchObject({ exitCode: 0, stdout: 'Hello\n' });
  expect(standIn.requests[0]).toMatchObject({ host: 'auth.openai.com', path: '/oauth/token' });
  expect(standIn.requests[0]?.bodyBytes.toString()).toContain(home.tokens.refreshToken);
  const sent = headerValue(standIn.calls[0]?.request.rawHeaders ?? [], 'authorization');
  expect(sent).toBe(`Bearer ${standIn.issuedTokens[0]?.accessToken}`);
});

test('a cut stream is asked for again', async () => {
  await open({ scenario: [cutAfter(3), text('Whole.')], websocket: 'refuse-426' });
  expect(await runCodexDirect(standIn, sayHello, { home })).toMatchObject({ exitCode: 0, stdout: 'Whole.\n' });
  expect(standIn.calls.map(({ ended }) => ended)).toEqual(['cut', 'sent']);
});

test('the usage limit stops Codex', async () => {
  await open({ scenario: [usageLimitReached()], websocket: 'refuse-426' });
  const run = await runCodexDirect(standIn, sayHello, { home });
  expect(run).toMatchObject({ exitCode: 1, stdout: '' });
  expect(run.stderr).toMatch(/usage limit/);
  expect(standIn.calls).toHaveLength(1);
});

test('Codex hangs up once the response is complete, without waiting for the end of the stream', async () => {
  await open({ scenario: [text('Hello', { holdOpenMs: 20_000 })], websocket: 'refuse-426' });
  const run = await runCodexDirect(standIn, sayHello, { home });
  expect(run).toMatchObject({ exitCode: 0, stdout: 'Hello\n' });
  const call = await standIn.waitFor(({ calls }) => calls.find(({ ended }) => ended !== 'open'));
  expect(call).toMatchObject({ ended: 'sent', request: { aborted: true } });
});

test('a sub-agent has a thread of its own, answered aside', async () => {
  const isChild = (call: ReceivedCall): boolean => call.metadata['agent_name'] === '/root/task_one';
  await open({
    scenario: [
      spawnAgent('task_one', 'List the files'),
      together(webSearch('how to wait'), waitAgent()),
      text('Root is done.'),
    ],
    aside: (call) => (isChild(call) ? text('The child is done.') : null),
    websocket: 'refuse-426',
  });
  expect(await runCodexDirect(standIn, sayHello, { home })).toMatchObject({ exitCode: 0, stdout: 'Root is done.\n' });
  const child = standIn.calls.find(isChild);
  expect(child?.metadata['thread_source']).toBe('subagent');
  expect(headerValue(child?.request.rawHeaders ?? [], 'x-openai-subagent')).toBe('collab_spawn');
  expect(standIn.calls.at(-1)?.text).toContain('The child is done.');
});

test('a conversation that is too long is compacted', async () => {
  const full = toolCall({ input: execCommand('echo one') }, { usage: { inputTokens: 250_000, outputTokens: 10 } });
  await open(
    { scenario: [full, compaction(), text('After compaction.')], websocket: 'refuse-426' },
    { config: ['model_auto_compact_token_limit = 20000'] },
  );
  const run = await runCodexDirect(standIn, sayHello, { home });
  expect(run).toMatchObject({ exitCode: 0, stdout: 'After compaction.\n' });
  expect(standIn.calls.map(({ kind }) => kind)).toEqual(['turn', 'compaction', 'turn']);
  expect(itemTypes(standIn.calls[2])).toContain('compaction');
});

test('what npm installs as `codex` behaves as the binary does', async () => {
  await open({ scenario: [text('Hello')] });
  const run = await runCodexDirect(standIn, sayHello, { home, command: codexBin().wrapper });
  expect(run).toMatchObject({ exitCode: 0, stdout: 'Hello\n' });
});

test('the TUI asks for a title, which uses up no answer', async () => {
  await open({ scenario: [text('Hello in the TUI.')], title: 'Greeting' });
  const relay = await startConnectRelay(standIn.port);
  const env = { ...home.env, ...directEnv(relay.url, standIn.caFile) };
  const terminal = await openTerminal(codexBin().native, ['--no-daemon', 'say hello'], { env, cwd: home.project });
  try {
    await terminal.waitForScreen('Hello in the TUI.');
    const title = await standIn.waitFor(({ calls }) => calls.find(({ responseId }) => responseId === 'resp_t1'));
    expect(title).toMatchObject({ kind: 'title', metadata: { thread_source: 'thread_title' } });
    await terminal.type('/quit');
    await terminal.press('Enter');
    expect(await terminal.waitForExit()).toEqual({ exitCode: 0, signal: null });
  } finally {
    await terminal.close();
    await relay.close();
  }
});
