// A HAR as Firefox's network monitor has it: the toolbox of a headless Firefox imports the file by its own HarImporter, over Marionette, and
// is asked what it holds.
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { once } from 'node:events';
import { connect, createServer, type AddressInfo, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { start } from './run.ts';

export interface FirefoxRequest {
  readonly url: string;
  readonly method: string;
  readonly status: number;
  readonly httpVersion: string;
  readonly remoteAddress: string | undefined;
  readonly remotePort: string | undefined;
  /** Milliseconds. */
  readonly totalTime: number;
  readonly transferredSize: number;
  readonly contentSize: number;
  readonly mimeType: string;
  readonly requestBody: string | undefined;
  readonly content: string | undefined;
}

const script = `
const [har, done] = arguments;
(async () => {
  const { require } = ChromeUtils.importESModule('resource://devtools/shared/loader/Loader.sys.mjs');
  const { gDevTools } = require('resource://devtools/client/framework/devtools.js');
  const window = Services.wm.getMostRecentWindow('navigator:browser');
  const toolbox = await gDevTools.showToolboxForTab(window.gBrowser.selectedTab, { toolId: 'netmonitor' });
  const { windowRequire, actions, store } = toolbox.getCurrentPanel().panelWin;
  const { HarImporter } = windowRequire('devtools/client/netmonitor/src/har/har-importer');
  const { getSortedRequests } = windowRequire('devtools/client/netmonitor/src/selectors/index');
  new HarImporter(actions).import(har);
  return Array.from(getSortedRequests(store.getState()), (request) => ({
    url: request.url, method: request.method, status: request.status, httpVersion: request.httpVersion,
    remoteAddress: request.remoteAddress, remotePort: request.remotePort, totalTime: request.totalTime,
    transferredSize: request.transferredSize, contentSize: request.contentSize, mimeType: request.mimeType,
    requestBody: request.requestPostData?.postData?.text, content: request.responseContent?.content?.text,
  }));
})().then((requests) => done({ requests }), (error) => done({ problem: String(error) + error.stack }));`;

export async function openInFirefox(
  harFile: string,
): Promise<{ readonly version: string; readonly requests: readonly FirefoxRequest[] }> {
  const profile = mkdtempSync(join(tmpdir(), 'tapes-firefox-'));
  const port = await freePort();
  writeFileSync(join(profile, 'user.js'), `user_pref("marionette.port", ${port});\n`);
  const browser = start(
    'firefox-esr',
    ['--headless', '--no-remote', '--marionette', '--remote-allow-system-access', '--profile', profile, 'about:blank'],
    { env: { PATH: process.env['PATH'] ?? '', HOME: profile, MOZ_HEADLESS: '1' }, timeoutMs: 60_000 },
  );
  try {
    const marionette = await Marionette.open(port);
    const { capabilities } = (await marionette.call('WebDriver:NewSession', {})) as {
      capabilities: { browserVersion: string };
    };
    await marionette.call('Marionette:SetContext', { value: 'chrome' });
    const { value } = (await marionette.call('WebDriver:ExecuteAsyncScript', {
      script,
      args: [readFileSync(harFile, 'utf8')],
      scriptTimeout: 30_000,
    })) as { value: { requests?: FirefoxRequest[]; problem?: string } };
    marionette.close();
    if (value.requests === undefined) throw new Error(value.problem);
    return { version: capabilities.browserVersion, requests: value.requests };
  } finally {
    browser.kill('SIGTERM');
    await browser.ended;
    rmSync(profile, { recursive: true, force: true, maxRetries: 5 });
  }
}

/** Firefox's remote protocol: each message is its length, a colon, and JSON. */
class Marionette {
  readonly #socket: Socket;
  #bytes = Buffer.alloc(0);
  #lastId = 0;

  private constructor(socket: Socket) {
    this.#socket = socket;
    socket.on('data', (chunk: Buffer) => (this.#bytes = Buffer.concat([this.#bytes, chunk])));
    socket.on('error', () => {});
  }

  /** Firefox listens some seconds after its start. */
  static async open(port: number): Promise<Marionette> {
    for (let attempt = 0; ; attempt += 1) {
      const socket = connect(port, '127.0.0.1');
      try {
        await once(socket, 'connect');
        const marionette = new Marionette(socket);
        await marionette.#next();
        return marionette;
      } catch (error) {
        if (attempt === 120) throw error;
        await new Promise((resolve) => setTimeout(resolve, 250));
      }
    }
  }

  async call(command: string, params: object): Promise<unknown> {
    const text = JSON.stringify([0, (this.#lastId += 1), command, params]);
    this.#socket.write(`${Buffer.byteLength(text)}:${text}`);
    const [, , error, result] = (await this.#next()) as [number, number, object | null, unknown];
    if (error !== null) throw new Error(`${command}: ${JSON.stringify(error)}`);
    return result;
  }

  close(): void {
    this.#socket.destroy();
  }

  async #next(): Promise<unknown> {
    for (;;) {
      const colon = this.#bytes.indexOf(':');
      const end = colon + 1 + Number(this.#bytes.subarray(0, Math.max(0, colon)));
      if (colon !== -1 && this.#bytes.length >= end) {
        const text = this.#bytes.subarray(colon + 1, end).toString();
        this.#bytes = this.#bytes.subarray(end);
        return JSON.parse(text);
      }
      await once(this.#socket, 'data');
    }
  }
}

async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  server.close();
  await once(server, 'close');
  return port;
}
