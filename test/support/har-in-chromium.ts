// A HAR as Chrome DevTools has it: its own front end in a headless Chromium loads the file by its Network panel, and is asked what it holds.
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { once } from 'node:events';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { WebSocket, type RawData } from 'ws';

import { start } from './run.ts';

export interface ShownRequest {
  readonly url: string;
  readonly method: string;
  readonly status: number;
  readonly type: string;
  readonly protocol: string;
  readonly remoteAddress: string;
  readonly connectionId: string;
  readonly transferSize: number;
  readonly resourceSize: number;
  /** Seconds. */
  readonly duration: number;
  readonly latency: number;
  readonly requestBody: string | null;
  readonly content: string;
  readonly isBase64: boolean;
  readonly frames: readonly { readonly type: string; readonly text: string; readonly opCode: number }[];
  readonly events: readonly { readonly time: number; readonly eventName: string; readonly data: string }[];
}

export interface ShownHar {
  readonly version: string;
  /** Rows that the panel shows. */
  readonly rows: number;
  readonly problems: readonly string[];
  readonly requests: readonly ShownRequest[];
}

/** What runs in the front end; `har` is the file's text. */
const script = (har: string): string => `(async () => {
  const [network, logs, common, ui] = await Promise.all(
    ['panels/network/network.js', 'models/logs/logs.js', 'core/common/common.js', 'ui/legacy/legacy.js'].map((path) => import('/devtools/' + path)));
  await ui.ViewManager.ViewManager.instance().showView('network');
  const panel = network.NetworkPanel.NetworkPanel.instance();
  await panel.networkLogView.onLoadFromFile(new File([${JSON.stringify(har)}], 'run.har'));
  const requests = [];
  // The table is filled a moment later.
  const grid = panel.networkLogView.columns().dataGrid();
  for (let wait = 0; wait < 40 && grid.rootNode().children.length === 0; wait += 1) await new Promise((go) => setTimeout(go, 50));
  const rows = grid.rootNode().children.length;
  for (const request of logs.NetworkLog.NetworkLog.instance().requests()) {
    const content = await request.requestContentData();
    requests.push({
      url: request.url(), method: request.requestMethod, status: request.statusCode, type: request.resourceType().name(),
      protocol: request.protocol, remoteAddress: request.remoteAddress(), connectionId: request.connectionId,
      transferSize: request.transferSize, resourceSize: request.resourceSize, duration: request.duration, latency: request.latency,
      requestBody: await request.requestFormData(),
      isBase64: !content.isTextContent, content: content.isTextContent ? content.text : content.base64,
      frames: request.frames().map(({ type, text, opCode }) => ({ type, text, opCode })),
      events: request.eventSourceMessages().map(({ time, eventName, data }) => ({ time, eventName, data })),
    });
  }
  const problems = common.Console.Console.instance().messages().filter(({ level }) => level === 'error').map(({ text }) => text);
  return { requests, problems, rows };
})()`;

export async function openInChromium(harFile: string): Promise<ShownHar> {
  const profile = mkdtempSync(join(tmpdir(), 'tapes-chromium-'));
  const browser = start(
    'chromium',
    [
      '--headless=new',
      '--no-sandbox',
      '--disable-gpu',
      '--remote-debugging-port=0',
      '--remote-allow-origins=*',
      `--user-data-dir=${profile}`,
      'about:blank',
    ],
    { env: { PATH: process.env['PATH'] ?? '', HOME: profile }, timeoutMs: 60_000 },
  );
  try {
    await browser.said('DevTools listening on', 'stderr');
    const port = /ws:\/\/127\.0\.0\.1:(\d+)\//.exec(browser.stderr)?.[1] ?? '';
    const at = `http://127.0.0.1:${port}`;
    const { Browser: version } = (await (await fetch(`${at}/json/version`)).json()) as { Browser: string };
    const [inspected] = (await (await fetch(`${at}/json/list`)).json()) as { id: string }[];
    const page = `${at}/devtools/devtools_app.html?ws=127.0.0.1:${port}/devtools/page/${inspected?.id}`;
    const opened = (await (await fetch(`${at}/json/new?${encodeURIComponent(page)}`, { method: 'PUT' })).json()) as {
      webSocketDebuggerUrl: string;
    };
    const client = new WebSocket(opened.webSocketDebuggerUrl);
    await once(client, 'open');
    const shown = await evaluate(client, script(readFileSync(harFile, 'utf8')));
    client.close();
    return { version, ...(shown as Omit<ShownHar, 'version'>) };
  } finally {
    browser.kill('SIGTERM');
    await browser.ended;
    rmSync(profile, { recursive: true, force: true, maxRetries: 5 });
  }
}

/** The front end takes a while to be there; until then what is asked of it fails. */
async function evaluate(client: WebSocket, expression: string): Promise<unknown> {
  for (let id = 1; ; id += 1) {
    const answer = await call(client, id, expression);
    if (answer.exceptionDetails === undefined) return answer.result.value;
    if (id === 40) throw new Error(JSON.stringify(answer.exceptionDetails));
    await new Promise((resolve) => setTimeout(resolve, 250));
  }
}

interface Evaluated {
  readonly result: { readonly value?: unknown };
  readonly exceptionDetails?: object;
}

function call(client: WebSocket, id: number, expression: string): Promise<Evaluated> {
  return new Promise((resolve) => {
    const onMessage = (data: RawData): void => {
      const message = JSON.parse((data as Buffer).toString()) as { id?: number; result: Evaluated };
      if (message.id !== id) return;
      client.off('message', onMessage);
      resolve(message.result);
    };
    client.on('message', onMessage);
    const params = { expression, awaitPromise: true, returnByValue: true };
    client.send(JSON.stringify({ id, method: 'Runtime.evaluate', params }));
  });
}
