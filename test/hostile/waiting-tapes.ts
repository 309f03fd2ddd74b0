// `tapes intercept` from the build, with an agent that does nothing but wait, and whose proxy and root are used by the test itself. What tapes
// takes of memory is read from the system.
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { request as httpRequest } from 'node:http';
import type { Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { connect as connectTls } from 'node:tls';

import { testRootFile } from '../support/certificates.ts';
import { start } from '../support/run.ts';
import type { RunResult } from '../support/run.ts';
import { makeTapesHome, tapesBin } from '../support/tapes.ts';
import type { TapesHome } from '../support/tapes.ts';

export interface WaitingTapes {
  readonly tapes: TapesHome;
  readonly proxy: string;
  /** The file with the root. */
  readonly ca: string;
  /** The most that the process of tapes has had in memory so far. */
  peakBytes(): number;
  /** Ends the agent, and with it the run. */
  end(): Promise<RunResult>;
  close(): Promise<void>;
}

const waitingAgent = `
  const { existsSync } = require('node:fs');
  process.stdout.write(JSON.stringify({ proxy: process.env.HTTPS_PROXY, ca: process.env.CODEX_CA_CERTIFICATE }) + '\\n');
  setInterval(() => existsSync(process.argv[1]) && process.exit(0), 25);`;

/** `port`: of the provider, on loopback. */
export async function startWaitingTapes(port: number): Promise<WaitingTapes> {
  const tapes = makeTapesHome();
  const folder = mkdtempSync(join(tmpdir(), 'tapes-hostile-'));
  const stopFile = join(folder, 'stop');
  const running = start(
    process.execPath,
    [
      tapesBin,
      'intercept',
      '--agent',
      'codex',
      '--resolve',
      `chatgpt.com:443:127.0.0.1:${port}`,
      '--upstream-ca',
      testRootFile,
    ].concat(['--', process.execPath, '-e', waitingAgent, stopFile]),
    {
      env: { PATH: process.env['PATH'] ?? '', HOME: tapes.dir, TAPES_HOME: tapes.dir, NO_COLOR: '1' },
      timeoutMs: 600_000,
    },
  );
  await running.said('"ca"');
  const { proxy, ca } = JSON.parse(running.stdout.split('\n')[0]!) as { proxy: string; ca: string };
  let peak = 0;
  const peakBytes = (): number => {
    const status = existsSync(`/proc/${running.pid}/status`) ? readFileSync(`/proc/${running.pid}/status`, 'utf8') : '';
    peak = Math.max(peak, Number(/VmHWM:\s*(\d+)/.exec(status)?.[1] ?? 0) * 1024);
    return peak;
  };
  const end = async (): Promise<RunResult> => {
    peakBytes();
    writeFileSync(stopFile, '');
    return running.ended;
  };
  return {
    tapes,
    proxy,
    ca,
    peakBytes,
    end,
    async close() {
      await end();
      tapes.remove();
      rmSync(folder, { recursive: true });
    },
  };
}

/** A TLS connection to chatgpt.com through the proxy. */
export function connectThrough(proxy: string, ca: string, ALPNProtocols: string[]): Promise<Socket> {
  const { hostname, port, username, password } = new URL(proxy);
  const authorization = `Basic ${Buffer.from(`${username}:${password}`).toString('base64')}`;
  return new Promise((resolve, reject) => {
    const request = httpRequest({
      host: hostname,
      port,
      method: 'CONNECT',
      path: 'chatgpt.com:443',
      headers: { 'Proxy-Authorization': authorization },
    });
    request.once('error', reject);
    request.once('connect', (_response, socket: Socket) => {
      const secure = connectTls({ socket, servername: 'chatgpt.com', ca, ALPNProtocols }, () => resolve(secure));
      secure.once('error', reject);
    });
    request.end();
  });
}
