// The user's own proxy on the way to the provider: of each kind, with a login, for intercepted and for tunnelled traffic. Real proxies where
// Debian has them, and ones of our own that lead names to the stand-in.
import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { connect as connectHttp2 } from 'node:http2';
import { connect as connectTcp, createServer, type AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, describe, expect, it } from 'vitest';
import { parseProxyUrl, type UpstreamProxy } from '../../src/proxy/index.ts';
import { readTestRoot } from '../support/certificates.ts';
import { startStandIn, text, type StandIn } from '../support/chatgpt/index.ts';
import { startInterceptor, type TestInterceptor } from '../support/interceptor.ts';
import { startHttpProxy, startSocksProxy, type OwnProxy, type OwnProxyOptions } from '../support/own-proxies.ts';
import { needs } from '../support/programs.ts';
import { run, start } from '../support/run.ts';

const closing: (() => unknown)[] = [];
afterEach(async () => {
  for (const close of closing.splice(0).reverse()) await close();
});

const login = { username: 'me', password: 'p@ss:word' };
const urlOf = (scheme: string, port: number, { username, password } = login): string =>
  `${scheme}://${encodeURIComponent(username)}:${encodeURIComponent(password)}@localhost:${port}`;

const kinds: readonly (readonly [string, (options: OwnProxyOptions) => Promise<OwnProxy>])[] = [
  ['http', (options) => startHttpProxy(options)],
  ['https', (options) => startHttpProxy(options, readTestRoot())],
  ['socks5h', startSocksProxy],
];

async function intercept(proxy: UpstreamProxy, noProxy = ''): Promise<{ standIn: StandIn; tapes: TestInterceptor }> {
  const standIn = await startStandIn({ hosts: ['git.example.test'], scenario: [text('Hello')] });
  closing.push(() => standIn.close());
  const tapes = await startInterceptor({ standIn, routes: { resolve: [], proxy, noProxy } });
  closing.push(() => tapes.close());
  return { standIn, tapes };
}

/** The interceptor behind a proxy of our own that leads to the stand-in; the interceptor must know the proxy first. */
async function behind(
  scheme: string,
  startProxy: (options: OwnProxyOptions) => Promise<OwnProxy>,
  given = login,
  more: Partial<OwnProxyOptions> = {},
): Promise<{ standIn: StandIn; tapes: TestInterceptor; proxy: OwnProxy }> {
  const standIn = await startStandIn({ hosts: ['git.example.test'], scenario: [text('Hello')] });
  closing.push(() => standIn.close());
  const proxy = await startProxy({ ...login, targetPort: standIn.port, ...more });
  closing.push(() => proxy.close());
  const route = parseProxyUrl(urlOf(scheme, proxy.port, given), '--upstream-proxy');
  const tapes = await startInterceptor({ standIn, routes: { resolve: [], proxy: route } });
  closing.push(() => tapes.close());
  return { standIn, tapes, proxy };
}

describe.each(kinds)('a proxy of the kind %s', (scheme, startProxy) => {
  it('carries intercepted and tunnelled traffic, with its login, and HTTP/2 stays HTTP/2', async () => {
    const { standIn, tapes, proxy } = await behind(scheme, startProxy);
    const socket = await tapes.connectTls('chatgpt.com', 443, { ALPNProtocols: ['h2'] });
    const session = connectHttp2('https://chatgpt.com', { createConnection: () => socket });
    const stream = session.request({ ':method': 'POST', ':path': '/backend-api/codex/responses' });
    stream.end('{"input":[]}');
    let answer = '';
    for await (const chunk of stream) answer += String(chunk);
    session.destroy();
    expect(answer).toContain('response.completed');
    expect(standIn.requests[0]!.httpVersion).toBe('2.0');

    const other = await tapes.connectTls('git.example.test', 443, { ca: readFileSync(standIn.caFile) });
    other.destroy();
    expect(proxy.connects).toContain('chatgpt.com:443');
    expect(proxy.connects).toContain('git.example.test:443');
    expect(proxy.refusals()).toBe(0);
  });

  it('that refuses the login is a failed connection, and the password is told nowhere', async () => {
    const { tapes, proxy } = await behind(scheme, startProxy, { username: 'me', password: 'hunter22' });
    for (const host of ['git.example.test', 'chatgpt.com']) {
      await expect(tapes.connect(host, 443)).rejects.toThrow('HTTP/1.1 502 Bad Gateway');
    }
    // To an intercepted host twice: the agent meets the failure itself.
    expect(proxy.refusals()).toBe(3);
    expect(JSON.stringify([tapes.events, tapes.engineLines])).not.toContain('hunter22');
  });

  it('loses nothing of a host that speaks first, even in one segment with its own answer', async () => {
    const { tapes } = await behind(scheme, startProxy, login, { banner: 'SSH-2.0-first\r\n' });
    const socket = await tapes.connect('git.example.test', 22);
    let said = '';
    for await (const chunk of socket) {
      said += String(chunk);
      if (said.endsWith('\n')) break;
    }
    expect(said).toBe('SSH-2.0-first\r\n');
  });
});

describe('a SOCKS proxy', () => {
  it('is given an address where the URL says socks5, so that the name is resolved here', async () => {
    const { standIn, tapes, proxy } = await behind('socks5', startSocksProxy);
    const socket = await tapes.connectTls('localhost', 8443, { ca: readFileSync(standIn.caFile) });
    socket.destroy();
    expect(proxy.connects.at(-1)).toMatch(/^(127\.0\.0\.1|(0000:){7}0001):8443$/);
  });

  it.each([
    [5, 'HTTP/1.1 502 Bad Gateway'],
    [6, 'HTTP/1.1 504 Gateway Timeout'],
  ])('that fails with %d is told to the agent as the failure that it names', async (reply, status) => {
    const { tapes } = await behind('socks5h', startSocksProxy, login, { reply });
    await expect(tapes.connect('chatgpt.com', 443)).rejects.toThrow(status);
  });
});

it('NO_PROXY names what is reached straight', async () => {
  // Nobody listens on port 1: through the proxy nothing could be reached.
  const proxy = parseProxyUrl('http://127.0.0.1:1', 'HTTPS_PROXY');
  const { standIn, tapes } = await intercept(proxy, 'localhost');
  const socket = await tapes.connectTls('localhost', standIn.port, { ca: readFileSync(standIn.caFile) });
  socket.destroy();
  await expect(tapes.connect('127.0.0.1', standIn.port)).rejects.toThrow('502');
});

async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  server.close();
  await once(server, 'close');
  return port;
}

async function untilListening(port: number): Promise<void> {
  for (let attempt = 0; attempt < 200; attempt += 1) {
    const socket = connectTcp(port, '127.0.0.1');
    const isOpen = await new Promise<boolean>((resolve) => {
      socket.once('connect', () => resolve(true));
      socket.once('error', () => resolve(false));
    });
    socket.destroy();
    if (isOpen) return;
    await new Promise((resolve) => setTimeout(resolve, 25));
  }
  throw new Error(`nobody listens on ${port}`);
}

const env = { PATH: `${process.env['PATH'] ?? ''}:/usr/sbin` };
const socksNeeds = needs('microsocks', 'curl');
const httpNeeds = needs('tinyproxy', 'curl');

/** Status and HTTP version. */
async function curlThrough(proxy: UpstreamProxy): Promise<string> {
  const { standIn, tapes } = await intercept(proxy);
  const args = ['-sS', '--cacert', standIn.caFile, `https://localhost:${standIn.port}/`, '-o', '/dev/null', '-w', '%{http_code} %{http_version}']; // prettier-ignore
  const curl = await run('curl', args, { env: { ...env, HTTPS_PROXY: tapes.proxyUrl }, timeoutMs: 15_000 });
  await tapes.waitFor('tunnelClosed');
  return curl.stderr + curl.stdout;
}

describe('real proxies, with the real curl before tapes', () => {
  it.skipIf(socksNeeds.skip)(`microsocks, which wants a login${socksNeeds.reason}`, async () => {
    const port = await freePort();
    const args = ['-i', '127.0.0.1', '-p', String(port), '-u', login.username, '-P', login.password];
    const microsocks = start('microsocks', args, { env });
    closing.push(() => microsocks.kill('SIGKILL'));
    await untilListening(port);
    expect(await curlThrough(parseProxyUrl(urlOf('socks5', port), 'ALL_PROXY'))).toMatch(/^\d{3} 2$/);
  });

  it.skipIf(httpNeeds.skip)(`tinyproxy, which wants a login${httpNeeds.reason}`, async () => {
    const port = await freePort();
    const folder = mkdtempSync(join(tmpdir(), 'tapes-tinyproxy-'));
    closing.push(() => rmSync(folder, { recursive: true, force: true }));
    // Its file has no quotes: a password without a colon.
    const plain = { username: 'me', password: 'pass' };
    writeFileSync(
      join(folder, 'conf'),
      `Port ${port}\nListen 127.0.0.1\nTimeout 10\nMaxClients 10\nBasicAuth ${plain.username} ${plain.password}\n`,
    );
    const tinyproxy = start('tinyproxy', ['-d', '-c', join(folder, 'conf')], { env });
    closing.push(() => tinyproxy.kill('SIGKILL'));
    await untilListening(port);
    expect(await curlThrough(parseProxyUrl(urlOf('http', port, plain), 'HTTPS_PROXY'))).toMatch(/^\d{3} 2$/);
  });
});
