// The real Codex, unmodified and logged in with ChatGPT, under `tapes intercept`: what it printed, what the provider received,
// what the database holds.
import { createHash } from 'node:crypto';
import { join } from 'node:path';
import { afterEach, describe, expect, it } from 'vitest';
import {
  cutAfter,
  execCommand,
  failed,
  hang,
  headerValue,
  httpError,
  startStandIn,
  text,
  toolCall,
  usageLimitReached,
  type StandInOptions,
} from '../support/chatgpt/index.ts';
import { startConnectRelay } from '../support/connect-relay.ts';
import { query } from '../support/query.ts';
import { run, type RunResult } from '../support/run.ts';
import { codexBin, makeCodexHome, runCodexDirect, type CodexHomeOptions } from '../support/codex.ts';
import {
  findTexts,
  makeTapesHome,
  readCalls,
  readRuns,
  readSessions,
  readTurns,
  runCodex,
  runTapes,
  sceneEnv,
  startCodex,
  tapesBin,
  type Scene,
} from '../support/tapes.ts';

const closing: (() => unknown)[] = [];
afterEach(async () => {
  for (const close of closing.splice(0).reverse()) await close();
});

async function set(options: StandInOptions = {}, login: CodexHomeOptions = {}): Promise<Scene> {
  const standIn = await startStandIn(options);
  const codex = makeCodexHome(login);
  const tapes = makeTapesHome();
  closing.push(() => standIn.close(), codex.remove, tapes.remove);
  return { standIn, codex, tapes };
}

const exec = (...args: string[]): string[] => ['exec', '--skip-git-repo-check', ...args];
const runAs = (scene: Scene, args: readonly string[], env: Readonly<Record<string, string>>): Promise<RunResult> =>
  run(process.execPath, args, { cwd: scene.codex.project, env: { ...sceneEnv(scene), ...env } });
const posts = (scene: Scene) =>
  scene.standIn.calls.filter((call) => call.transport === 'https' && call.kind !== 'title');

describe('a plain answer', () => {
  it('is printed as ever, and recorded as one call in one turn, down to the bytes', async () => {
    const scene = await set({ scenario: [text('Hello there', { reasoning: 'Thinking about it', contentType: null })] });
    const run = await runCodex(scene, exec('say hello'));
    expect({ stdout: run.stdout, exitCode: run.exitCode }).toEqual({ stdout: 'Hello there\n', exitCode: 0 });
    expect(run.stderr).toMatch(
      /\ntapes: recorded 1 call in 1 turn of session [0-9a-f-]+…, \d+ tokens · tapes show [0-9a-f-]+\n$/,
    );

    const [session] = await readSessions(scene.tapes);
    const [call] = await readCalls(scene.tapes);
    const [turn] = await readTurns(scene.tapes);
    const [sent] = posts(scene);
    expect(session).toMatchObject({
      agent: 'codex',
      agentVersion: '0.169.0',
      cwd: scene.codex.project,
      threads: 1,
      turns: 1,
      calls: 1,
      status: 'completed',
    });
    expect(session!.id).toBe(headerValue(sent!.request.rawHeaders, 'session-id'));
    expect(turn).toMatchObject({ prompt: 'say hello', status: 'completed', id: sent!.metadata['turn_id'] });
    expect(call).toMatchObject({
      kind: 'turn',
      attempt: 1,
      transport: 'https',
      status: 'completed',
      httpStatus: 200,
      error: null,
      responseId: 'resp_1',
      model: sent!.model,
    });
    expect(call!.usage!.totalTokens).toBeGreaterThan(0);
    expect(call!.ttftMs).toBeGreaterThan(0);
    expect(call!.durationMs).toBeGreaterThanOrEqual(call!.ttftMs!);
    expect(call!.output.map(({ type, text: words }) => [type, words])).toEqual([
      ['reasoning', 'Thinking about it'],
      ['message', 'Hello there'],
    ]);

    const sha256 = (bytes: Uint8Array | string): string => createHash('sha256').update(bytes).digest('hex');
    expect(call).toMatchObject({
      requestWireBytes: sent!.bodyBytes.length,
      requestWireSha256: sha256(sent!.bodyBytes),
      requestBytes: Buffer.byteLength(sent!.text),
      requestSha256: sha256(sent!.text),
      inputItems: (sent!.json()['input'] as unknown[]).length,
    });
    const request = await runTapes(scene.tapes, ['raw', call!.id, '--request']);
    expect(request.stdout).toBe(sent!.text);
    const response = await runTapes(scene.tapes, ['raw', 'last', '--response']);
    expect(response.stdout).toBe(Buffer.concat(sent!.sentChunks).toString());
  });

  it.each([{ http2: true }, { http2: false }])(
    'reaches the provider as it would without tapes, header by header ($http2)',
    async ({ http2 }) => {
      const scenario = [text('Hello there')];
      const direct = await startStandIn({ scenario, http2, websocket: 'refuse-426' });
      closing.push(() => direct.close());
      const scene = await set({ scenario, http2 });
      const alone = await runCodexDirect(direct, exec('say hello'), { home: scene.codex });
      const under = await runCodex(scene, exec('say hello'));
      const [before] = direct.calls;
      const [after] = posts(scene);

      // Fresh in every run, of equal shape in both.
      const volatile = /[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}|\b\d{13}\b/g;
      const plain = (name: string, value: string): string =>
        name === 'content-length' ? '#' : value.replace(volatile, '#');
      const headers = (call: typeof before): string[] =>
        call!.request.rawHeaders.map(([name, value]) => `${name}: ${plain(name, value)}`);
      // Pseudo-headers in Codex's own order, too.
      expect(headers(after)).toEqual(headers(before));
      expect(headers(after).filter((line) => line.startsWith(':'))).toHaveLength(http2 ? 4 : 0);
      expect(after!.request.httpVersion).toBe(before!.request.httpVersion);
      expect(after!.request.httpVersion).toBe(http2 ? '2.0' : '1.1');
      expect(headerValue(after!.request.rawHeaders, 'authorization')).toBe(`Bearer ${scene.codex.tokens.accessToken}`);
      expect(headerValue(after!.request.rawHeaders, 'chatgpt-account-id')).toBe(scene.codex.tokens.accountId);

      // And what the user sees is the same, but for our one line.
      const talk = (output: string): string[] =>
        output
          .replace(volatile, '#')
          .replaceAll(/^\d{4}-\d\d-\d\dT[\d:.]+Z/gm, '#')
          .split('\n')
          .filter((line) => !line.startsWith('tapes: ') && !line.includes('ERROR'));
      expect(under.exitCode).toBe(alone.exitCode);
      expect(under.stdout).toBe(alone.stdout);
      expect(talk(under.stderr)).toEqual(talk(alone.stderr));
    },
  );

  it('over HTTPS comes from a refused upgrade, which is an exchange of its own', async () => {
    const scene = await set({ scenario: [text('Hello there')] });
    await runCodex(scene, exec('say hello'));
    expect(scene.standIn.sockets).toHaveLength(0);
    expect(
      query(
        join(scene.tapes.dir, 'tapes.db'),
        "SELECT method, host, path, status, outcome FROM exchanges WHERE kind = 'upgrade'",
      ),
    ).toEqual([
      { method: 'GET', host: 'chatgpt.com', path: '/backend-api/codex/responses', status: 426, outcome: 'refused' },
    ]);
    const [run] = await readRuns(scene.tapes);
    // accounts/check, models, plugins … and the upgrade are kept as exchanges beside the one call.
    expect(run).toMatchObject({ calls: 1, status: 'ended', exitCode: 0, dropped: 0, agent: 'codex' });
    expect(run!.exchanges).toBeGreaterThan(5);
  });

  it('is kept by an API key login too', async () => {
    const scene = await set({ scenario: [text('Hello there')] }, { auth: 'apikey' });
    const run = await runCodex(scene, exec('say hello'));
    expect(run.stdout).toBe('Hello there\n');
    const [call] = await readCalls(scene.tapes);
    expect(call).toMatchObject({ status: 'completed' });
    expect(posts(scene)[0]!.request.host).toContain('api.openai.com');
    expect(findTexts(scene.tapes.dir, { apiKey: scene.codex.apiKey })).toEqual([]);
  });
});

describe("the user's own environment", () => {
  it('with a root, a NO_PROXY and no flags of ours: joined, trimmed, and trusted upstream', async () => {
    const scene = await set({
      hosts: ['git.example.test'],
      scenario: [
        toolCall({ input: execCommand('echo "NP=$NO_PROXY"; grep -c BEGIN "$CODEX_CA_CERTIFICATE"') }),
        text('Done'),
      ],
    });
    const resolve = scene.standIn
      .resolveArgs()
      .filter((_argument, at, all) => all[at] !== '--upstream-ca' && all[at - 1] !== '--upstream-ca');
    const run = await runAs(
      scene,
      [tapesBin, 'intercept', ...resolve, '--', codexBin().native, ...exec('look around')],
      {
        CODEX_CA_CERTIFICATE: scene.standIn.caFile,
        NO_PROXY: 'localhost,chatgpt.com,.openai.com',
      },
    );
    expect(run).toMatchObject({ exitCode: 0, stdout: 'Done\n' });
    const [call] = await readCalls(scene.tapes);
    expect(call!.output[0]!.output).toMatch(/NP=localhost\\n2\\n/);
    // The joined file was made for this run.
    expect(findTexts(scene.tapes.dir, { bundle: 'bundle-' })).toEqual([]);
  });

  it('with a proxy of its own: tapes goes through it, to provider and tunnelled hosts alike', async () => {
    const scene = await set({ scenario: [text('Hello through both')] });
    const relay = await startConnectRelay(scene.standIn.port);
    closing.push(relay.close);
    const run = await runAs(
      scene,
      [tapesBin, 'intercept', '--upstream-ca', scene.standIn.caFile, '--', codexBin().native, ...exec('say hello')],
      { HTTPS_PROXY: relay.url },
    );
    expect(run).toMatchObject({ exitCode: 0, stdout: 'Hello through both\n' });
    expect(relay.connects).toContain('chatgpt.com:443');
    expect(relay.connects).toContain('ab.chatgpt.com:443');
    expect((await readCalls(scene.tapes)).map(({ status }) => status)).toEqual(['completed']);
  });
});

describe('a tool call', () => {
  it('makes a second call of the same turn, and its result is shown beside it', async () => {
    const scene = await set({ scenario: [toolCall({ input: execCommand('echo TOOL-MARK') }), text('Done')] });
    const run = await runCodex(scene, exec('use a tool'));
    expect(run.stdout).toBe('Done\n');
    const [turn, ...others] = await readTurns(scene.tapes);
    expect(others).toHaveLength(0);
    expect(turn!.calls.map(({ status, kind, attempt }) => [status, kind, attempt])).toEqual([
      ['completed', 'turn', 1],
      ['completed', 'turn', 1],
    ]);
    const [tool] = turn!.calls[0]!.output;
    expect(tool).toMatchObject({ type: 'custom_tool_call', name: 'exec', arguments: execCommand('echo TOOL-MARK') });
    expect(tool!.output).toContain('TOOL-MARK');
    expect(turn!.calls[1]!.newItems).toBeLessThan(turn!.calls[1]!.inputItems);
    const shown = await runTapes(scene.tapes, ['show', 'last']);
    for (const words of ['use a tool', 'echo TOOL-MARK', 'Done']) expect(shown.stdout).toContain(words);
  });

  it('whose command reaches another host sees that host’s own certificate, and tapes sees nothing of it', async () => {
    const scene = await set({
      hosts: ['git.example.test'],
      scenario: (_call, index) => {
        const command =
          'curl -sv --cacert "$HOST_CA" https://git.example.test/hello-from-the-agent 2>&1 | grep -i issuer';
        return index === 0 ? toolCall({ input: execCommand(command) }) : text('Done');
      },
    });
    const run = await runCodex(scene, exec('fetch it'), { env: { HOST_CA: scene.standIn.caFile } });
    expect(run.exitCode).toBe(0);
    const [call] = await readCalls(scene.tapes);
    expect(call!.output[0]!.output).toMatch(/issuer: .*TEST-ONLY/);
    const other = scene.standIn.requests.find((request) => request.path === '/hello-from-the-agent');
    expect(other).toBeDefined();
    expect(findTexts(scene.tapes.dir, { path: 'GET /hello-from-the-agent' })).toEqual([]);
  });
});

describe('trouble on the wire', () => {
  it('cut in mid-stream: a truncated call with its text, and the retry', async () => {
    const scene = await set({ scenario: [cutAfter(3, text('Hello there, this is cut')), text('Whole again')] });
    const run = await runCodex(scene, exec('say hello'));
    expect(run).toMatchObject({ exitCode: 0, stdout: 'Whole again\n' });
    const [turn] = await readTurns(scene.tapes);
    expect(turn!.calls.map(({ status, attempt }) => [status, attempt])).toEqual([
      ['truncated', 1],
      ['completed', 2],
    ]);
    expect(turn!.calls[0]!.output[0]).toMatchObject({ type: 'message', text: expect.stringMatching(/^Hello/) });
  });

  it('response.failed: a failed call with what the provider said, and the retry', async () => {
    const scene = await set({ scenario: [failed('server_error', 'the model had a bad day'), text('Better now')] });
    const run = await runCodex(scene, exec('say hello'));
    expect(run.exitCode).toBe(0);
    const [turn] = await readTurns(scene.tapes);
    expect(turn!.calls.map(({ status }) => status)).toEqual(['failed', 'completed']);
    expect(turn!.calls[0]!.error).toEqual({ code: 'server_error', message: 'the model had a bad day' });
  });

  it('401, then success: both calls, and both times the authorization went through', async () => {
    const scene = await set({
      scenario: [httpError(401, { error: { message: 'expired', code: 'token_expired' } }), text('Hello again')],
    });
    const run = await runCodex(scene, exec('say hello'));
    expect(run).toMatchObject({ exitCode: 0, stdout: 'Hello again\n' });
    const calls = await readCalls(scene.tapes);
    expect(calls.map(({ status, httpStatus }) => [status, httpStatus])).toEqual([
      ['failed', 401],
      ['completed', 200],
    ]);
    expect(
      posts(scene).map(({ request }) => headerValue(request.rawHeaders, 'authorization')?.startsWith('Bearer ')),
    ).toEqual([true, true]);
  });

  it('429: one failed call, and Codex ends as it would', async () => {
    const scene = await set({ scenario: [usageLimitReached()] });
    const run = await runCodex(scene, exec('say hello'));
    expect(run.exitCode).toBe(1);
    const calls = await readCalls(scene.tapes);
    expect(calls.map(({ status, httpStatus, error }) => [status, httpStatus, error?.code])).toEqual([
      ['failed', 429, 'usage_limit_reached'],
    ]);
  });

  it('Ctrl-C in mid-stream: Codex’s own exit code, an aborted call, and the text so far', async () => {
    const scene = await set({ scenario: [hang()] });
    const running = startCodex(scene, exec('talk for ever'));
    await scene.standIn.waitFor(({ calls }) => (calls[0]?.sentEvents.length ?? 0) > 5);
    process.kill(-running.pid, 'SIGINT');
    const run = await running.ended;
    expect(run.exitCode).toBe(1);
    expect(run.stderr).toContain('turn interrupted');
    const [call] = await readCalls(scene.tapes);
    expect(call).toMatchObject({ status: 'aborted', usage: null });
    expect(call!.output[0]!.text!.length).toBeGreaterThan(3);
  });

  it.each(['SIGINT', 'SIGTERM'] as const)('%s to tapes alone reaches Codex', async (signal) => {
    const scene = await set({ scenario: [hang()] });
    const running = startCodex(scene, exec('talk for ever'));
    await scene.standIn.waitFor(({ calls }) => (calls[0]?.sentEvents.length ?? 0) > 2);
    running.kill(signal);
    const run = await running.ended;
    expect(run.exitCode).toBe(signal === 'SIGINT' ? 1 : 143);
    const [recorded] = await readRuns(scene.tapes);
    expect(recorded).toMatchObject({ status: 'ended', signal: signal === 'SIGINT' ? null : 'SIGTERM' });
  });
});

describe('while it runs', () => {
  it('another terminal sees the session', async () => {
    const scene = await set({ scenario: [hang()] });
    const running = startCodex(scene, exec('talk for ever'));
    await scene.standIn.waitFor(({ calls }) => (calls[0]?.sentEvents.length ?? 0) > 5);
    await expect
      .poll(async () => (await readSessions(scene.tapes).catch(() => []))[0]?.status, { timeout: 10_000 })
      .toBe('streaming');
    expect((await readRuns(scene.tapes))[0]).toMatchObject({ status: 'running' });
    running.kill('SIGINT');
    await running.ended;
  });

  it('two at once on one database lose nothing', async () => {
    const scene = await set({
      scenario: (call) => text(`answer to ${call.text.includes('prompt-one') ? 'one' : 'two'}`),
    });
    const other = makeCodexHome();
    closing.push(other.remove);
    const [one, two] = await Promise.all([
      runCodex(scene, exec('prompt-one')),
      runCodex({ ...scene, codex: other }, exec('prompt-two')),
    ]);
    expect([one.stdout, two.stdout]).toEqual(['answer to one\n', 'answer to two\n']);
    const sessions = await readSessions(scene.tapes);
    expect(sessions).toHaveLength(2);
    const turns = (await Promise.all(sessions.map(({ id }) => readTurns(scene.tapes, id)))).flat();
    expect(turns.map(({ prompt }) => prompt).sort()).toEqual(['prompt-one', 'prompt-two']);
    expect((await readRuns(scene.tapes)).map(({ dropped, calls }) => [dropped, calls])).toEqual([
      [0, 1],
      [0, 1],
    ]);
  });
});

describe('no secret of the run', () => {
  it('is at rest anywhere, though the agent prints its environment and its login file', async () => {
    const scene = await set({
      responseHeaders: [['set-cookie', 'cf_session=cookie-secret-8f3a2b1c9d; Path=/; Secure']],
      scenario: [toolCall({ input: execCommand('env; cat "$CODEX_HOME/auth.json"') }), text('Done')],
    });
    const env = { GITHUB_TOKEN: 'ghp_0123456789abcdefghijABCDEFGHIJ456789' };
    const run = await runCodex(scene, exec('print all'), { env, options: ['--verbose'] });
    expect(run.exitCode).toBe(0);
    const [call] = await readCalls(scene.tapes);
    // The tool did print them, to the provider.
    const [, second] = posts(scene);
    expect(second!.text).toContain(scene.codex.tokens.refreshToken);
    expect(call!.output[0]!.output).toContain('GITHUB_TOKEN=masked:');
    const proxyPassword = /http:\/\/tapes:([0-9a-f]{32})@127/.exec(second!.text)![1]!;
    const { accessToken, refreshToken, idToken } = scene.codex.tokens;
    const cookie = 'cookie-secret-8f3a2b1c9d';
    expect(findTexts(scene.tapes.dir, { accessToken, refreshToken, idToken, cookie, proxyPassword, ...env })).toEqual(
      [],
    );
    const ours = run.stderr.split('\n').filter((line) => line.startsWith('tapes: '));
    expect(ours.join('\n')).not.toMatch(/eyJ|[0-9a-f]{32}/);
  });
});

describe('a run without recording', () => {
  it('leaves no database and says nothing', async () => {
    const scene = await set({ scenario: [text('Hello there')] });
    const run = await runCodex(scene, exec('say hello'), { options: ['--no-record'] });
    expect(run.stdout).toBe('Hello there\n');
    expect(run.stderr).not.toContain('tapes:');
    const sessions = await runTapes(scene.tapes, ['sessions']);
    expect(sessions.exitCode).toBe(1);
    expect(sessions.stderr).toContain('E_DB_MISSING');
  });
});

describe('the npm wrapper', () => {
  it('is recognised as Codex and records all the same', async () => {
    const scene = await set({ scenario: [text('Hello there')] });
    const run = await runCodex(scene, exec('say hello'), {
      command: codexBin().wrapper,
      options: ['--label', 'by the wrapper'],
    });
    expect(run.stdout).toBe('Hello there\n');
    expect((await readRuns(scene.tapes))[0]).toMatchObject({
      label: 'by the wrapper',
      calls: 1,
      argv: [codexBin().wrapper, ...exec('say hello')],
    });
    expect((await readTurns(scene.tapes)).map(({ prompt }) => prompt)).toEqual(['say hello']);
  });
});
