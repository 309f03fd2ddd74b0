// Nobody gets in without the password, and every client that matters can send it: the real Codex over HTTPS and over a WebSocket, git, curl, Node
// by itself and with undici. Each is tried with the right password, with another and with none, towards a host that is intercepted and one that
// is not.
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';

import { startStandIn, text, type StandIn } from '../support/chatgpt/index.ts';
import { codexBin, makeCodexHome, type CodexHome } from '../support/codex.ts';
import { run, start, type RunResult } from '../support/run.ts';
import { endProxy, startProxy, type RunningProxy } from '../support/standing-proxy.ts';
import { makeTapesHome } from '../support/tapes.ts';

const tunnelled = 'models.example.test';
const intercepted = 'chatgpt.com';
const closing: (() => unknown)[] = [];
let standIn: StandIn;
let codex: CodexHome;
let proxy: RunningProxy;
let folder: string;

beforeAll(async () => {
  standIn = await startStandIn({ hosts: [tunnelled], scenario: () => text('Hello through the door') });
  const tapes = makeTapesHome();
  codex = makeCodexHome();
  folder = mkdtempSync(join(tmpdir(), 'tapes-password-'));
  closing.push(
    () => standIn.close(),
    tapes.remove,
    codex.remove,
    () => rmSync(folder, { recursive: true }),
  );
  proxy = await startProxy({ standIn, tapes, timeoutMs: 280_000 });
  closing.push(() => endProxy(proxy));
});
afterAll(async () => {
  for (const close of closing.reverse()) await close();
});

type Password = 'right' | 'wrong' | 'none';

/** What a client is told: the proxy with this password, and the roots of both hosts. */
function environment(password: Password): Record<string, string> {
  const url = new URL(proxy.environment['HTTPS_PROXY'] ?? '');
  // As long as the right one, and other in its last digit alone.
  if (password === 'wrong') url.password = `${url.password.slice(0, -1)}${url.password.endsWith('0') ? '1' : '0'}`;
  if (password === 'none') [url.username, url.password] = ['', ''];
  const own = proxy.environment['CODEX_CA_CERTIFICATE'] ?? '';
  return {
    PATH: process.env['PATH'] ?? '',
    HOME: folder,
    HTTPS_PROXY: url.href,
    https_proxy: url.href,
    OWN_ROOTS: own,
  };
}

interface Client {
  readonly name: string;
  readonly hosts: readonly string[];
  ask(host: string, env: Record<string, string>): Promise<RunResult>;
  /** What it prints when it got in. */
  readonly answer: RegExp;
  /** How it tells that it was refused. */
  readonly refusal: RegExp;
}

const roots = (host: string, env: Record<string, string>): string =>
  host === intercepted ? (env['OWN_ROOTS'] ?? '') : standIn.caFile;

const runNode = (code: string, host: string, env: Record<string, string>): Promise<RunResult> =>
  run(process.execPath, ['--input-type=module', '-e', code], {
    env: { ...env, NODE_EXTRA_CA_CERTS: roots(host, env), URL_ASKED: `https://${host}/backend-api/me` },
    cwd: folder,
  });

const nodeItself = `
  import { request } from 'node:http';
  import { get } from 'node:https';
  const [proxy, url] = [new URL(process.env.HTTPS_PROXY), new URL(process.env.URL_ASKED)];
  const login = Buffer.from(decodeURIComponent(proxy.username) + ':' + decodeURIComponent(proxy.password)).toString('base64');
  const headers = proxy.username === '' ? {} : { 'Proxy-Authorization': 'Basic ' + login };
  const connecting = request({ host: proxy.hostname, port: proxy.port, method: 'CONNECT', path: url.hostname + ':443', headers });
  connecting.on('connect', ({ statusCode }, socket) => {
    if (statusCode !== 200) { console.error('refused with ' + statusCode); process.exit(1); }
    get(url, { socket, agent: false }, (answer) => { console.log('status ' + answer.statusCode); process.exit(0); });
  });
  connecting.end();`;

const withUndici = `
  import undici from ${JSON.stringify(import.meta.resolve('undici'))};
  const { EnvHttpProxyAgent, fetch } = undici;
  try {
    const answer = await fetch(process.env.URL_ASKED, { dispatcher: new EnvHttpProxyAgent() });
    console.log('status ' + answer.status);
  } catch (error) {
    for (let why = error; why !== undefined; why = why.cause) console.error(String(why));
    process.exitCode = 1;
  }`;

const clients: readonly Client[] = [
  {
    name: 'curl',
    hosts: [intercepted, tunnelled],
    ask: (host, env) =>
      run('curl', ['-sS', '-o', '-', '-w', 'status %{http_code}', '--cacert', roots(host, env), `https://${host}/backend-api/me`], { env }), // prettier-ignore
    answer: /status (200|404)/,
    refusal: /CONNECT tunnel failed, response 407|Received HTTP code 407 from proxy/,
  },
  {
    name: 'git',
    hosts: [intercepted, tunnelled],
    ask: (host, env) =>
      run('git', ['ls-remote', `https://${host}/none.git`], { env: { ...env, GIT_SSL_CAINFO: roots(host, env), GIT_TERMINAL_PROMPT: '0', GIT_CONFIG_NOSYSTEM: '1' } }), // prettier-ignore
    // There is no such repository: the provider itself has said so.
    answer: /not found|not valid|404/,
    refusal: /407/,
  },
  {
    name: 'Node by itself',
    hosts: [intercepted, tunnelled],
    ask: (host, env) => runNode(nodeItself, host, env),
    answer: /status (200|404)/,
    refusal: /refused with 407/,
  },
  {
    name: 'Node with undici',
    hosts: [intercepted, tunnelled],
    ask: (host, env) => runNode(withUndici, host, env),
    answer: /status (200|404)/,
    refusal: /407/,
  },
  {
    name: 'Codex over HTTPS',
    hosts: [intercepted],
    ask: (_host, env) => askCodex(env, [], 'workspace routing discovery failed'),
    answer: /Hello through the door/,
    // Its words for whatever kept it from asking where its workspace is.
    refusal: /workspace routing discovery failed/,
  },
  {
    name: 'Codex over a WebSocket',
    hosts: [tunnelled],
    ask: (host, env) =>
      askCodex(
        { ...env, CODEX_CA_CERTIFICATE: standIn.caFile, OWN_KEY: 'key-of-the-test' },
        [
          '-c',
          `model_providers.own={name="own",base_url="https://${host}/v1",wire_api="responses",env_key="OWN_KEY",supports_websockets=true,request_max_retries=0,stream_max_retries=0}`,
          '-c',
          'model_provider="own"',
        ],
        'CONNECT failed with status 407',
      ),
    answer: /Hello through the door/,
    refusal: /HTTP CONNECT failed with status 407/,
  },
];

/** Refused, Codex tries again and again, or waits for the network: then it has said why, and is ended. */
async function askCodex(env: Record<string, string>, args: readonly string[], refusal: string): Promise<RunResult> {
  const running = start(codexBin().native, ['exec', '--skip-git-repo-check', ...args, 'say hello'], {
    env: { ...codex.env, CODEX_CA_CERTIFICATE: env['OWN_ROOTS'] ?? '', ...env, HOME: codex.env['HOME'] ?? '' },
    cwd: codex.project,
    timeoutMs: 50_000,
  });
  const refused = running.said(refusal, 'stderr').then(
    () => running.kill('SIGKILL'),
    () => undefined,
  );
  await Promise.race([refused, running.ended]);
  return running.ended;
}

const cases = clients.flatMap((client) => client.hosts.map((host) => ({ client, host, name: client.name })));

describe.each(cases)('$name, to $host', ({ client, host }) => {
  it('gets in with the password', async () => {
    const before = standIn.requests.length;
    const { stdout, stderr } = await client.ask(host, environment('right'));
    expect(stdout + stderr).toMatch(client.answer);
    expect(standIn.requests.length).toBeGreaterThan(before);
    if (client.name === 'Codex over a WebSocket') {
      expect(standIn.calls.at(-1)).toMatchObject({ transport: 'websocket', ended: 'sent' });
    }
  });

  it.each(['wrong', 'none'] as const)('does not with the password %s, and is told', async (password) => {
    const before = standIn.requests.length;
    const { stdout, stderr, exitCode } = await client.ask(host, environment(password));
    expect(stdout + stderr).toMatch(client.refusal);
    expect(exitCode).not.toBe(0);
    expect(standIn.requests.slice(before)).toEqual([]);
  });
});
