// `tapes intercept` from the build with an agent that does nothing but wait, so that a test itself can use its proxy and root, byte by byte.
import { once } from 'node:events';
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { request as httpRequest } from 'node:http';
import type { Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { connect as connectTls, type TLSSocket } from 'node:tls';

import { start, type RunResult, type Running } from './run.ts';
import { tapesBin, type TapesHome } from './tapes.ts';

export interface WaitingAgent {
  readonly running: Running;
  /** The proxy's address, with the login. */
  readonly proxy: string;
  /** TLS to a host, through the proxy. Default: HTTP/1.1. */
  connect(host: string, alpn?: string): Promise<TLSSocket>;
  /** Ends the agent, and with it the run. */
  end(): Promise<RunResult>;
}

const script = `
  const { existsSync, renameSync, writeFileSync } = require('node:fs');
  const folder = process.argv[1];
  writeFileSync(folder + '/new', JSON.stringify({ proxy: process.env.HTTPS_PROXY, ca: process.env.CODEX_CA_CERTIFICATE }));
  renameSync(folder + '/new', folder + '/started');
  console.log('the agent waits');
  setInterval(() => existsSync(folder + '/stop') && process.exit(0), 25);`;

/** `options` are those of `tapes intercept`, `args` more arguments of the agent. */
export async function startWaitingAgent(
  tapes: TapesHome,
  options: readonly string[],
  { args = [], env = {}, cwd }: { args?: readonly string[]; env?: Readonly<Record<string, string>>; cwd?: string } = {},
): Promise<WaitingAgent> {
  const folder = mkdtempSync(join(tmpdir(), 'tapes-waiting-'));
  const running = start(
    process.execPath,
    [tapesBin, 'intercept', '--agent', 'codex', ...options, '--', process.execPath, '-e', script, folder, ...args],
    {
      env: { PATH: process.env['PATH'] ?? '', HOME: tapes.dir, TAPES_HOME: tapes.dir, NO_COLOR: '1', ...env },
      timeoutMs: 600_000,
      ...(cwd === undefined ? {} : { cwd }),
    },
  );
  await running.said('the agent waits');
  const started = JSON.parse(readFileSync(join(folder, 'started'), 'utf8')) as { proxy: string; ca: string };
  const ca = readFileSync(started.ca, 'utf8');
  return {
    running,
    proxy: started.proxy,
    connect: (host, alpn = 'http/1.1') => connectThrough(started.proxy, ca, host, alpn),
    async end() {
      if (existsSync(folder)) writeFileSync(join(folder, 'stop'), '');
      const result = await running.ended;
      rmSync(folder, { recursive: true, force: true });
      return result;
    },
  };
}

async function connectThrough(proxy: string, ca: string, host: string, alpn: string): Promise<TLSSocket> {
  const { hostname, port, username, password } = new URL(proxy);
  const login = Buffer.from(`${decodeURIComponent(username)}:${decodeURIComponent(password)}`).toString('base64');
  const request = httpRequest({
    host: hostname,
    port,
    method: 'CONNECT',
    path: `${host}:443`,
    headers: { 'Proxy-Authorization': `Basic ${login}` },
  });
  const connected = once(request, 'connect');
  request.end();
  const [, socket] = (await connected) as [unknown, Socket];
  const secure = connectTls({ socket, servername: host, ca, ALPNProtocols: [alpn] });
  await once(secure, 'secureConnect');
  return secure;
}
