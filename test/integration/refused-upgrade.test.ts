// The real Codex asks for a WebSocket first. Where the provider itself refuses it, Codex does what it does without tapes, and the exchange is told.
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, expect, it } from 'vitest';
import { WebSocket } from 'ws';

import { startStandIn, text } from '../support/chatgpt/index.ts';
import { codexBin, directEnv, makeCodexHome, runCodexDirect } from '../support/codex.ts';
import { startInterceptor } from '../support/interceptor.ts';
import { run } from '../support/run.ts';

const closing: (() => unknown)[] = [];
afterEach(async () => {
  for (const close of closing.splice(0).reverse()) await close();
});

it.each([{ status: 401 }, { status: 426 }, { status: 503 }])(
  'Codex goes on from a $status as it does without tapes, and each of its upgrades is told',
  { timeout: 120_000 },
  async ({ status }) => {
    const options = { scenario: () => text('Hello there'), websocket: { status }, http2: false };
    const [alone, between] = [await startStandIn(options), await startStandIn(options)];
    const codex = makeCodexHome();
    const tapes = await startInterceptor({ standIn: between, tellsUpstream: true, refusesUpgrades: false });
    closing.push(
      () => alone.close(),
      () => between.close(),
      codex.remove,
      () => tapes.close(),
    );
    const args = ['exec', '--skip-git-repo-check', 'say hello'];
    const direct = await runCodexDirect(alone, args, { home: codex });
    const roots = join(codex.root, 'roots.pem');
    writeFileSync(roots, [tapes.caFile, between.caFile].map((file) => readFileSync(file, 'utf8')).join('\n'));
    const under = await run(codexBin().native, args, {
      cwd: codex.project,
      env: { ...codex.env, ...directEnv(tapes.proxyUrl, roots) },
    });
    expect([under.stdout, under.exitCode]).toEqual([direct.stdout, direct.exitCode]);

    const upgradesOf = (standIn: typeof alone): string[] =>
      standIn.requests
        .filter(({ rawHeaders }) => rawHeaders.some(([name]) => name.toLowerCase() === 'upgrade'))
        .map(({ method, path, rawHeaders, status }) =>
          [method, path, status, ...rawHeaders.map(([name]) => name)].join(' '),
        );
    expect(upgradesOf(alone).length).toBeGreaterThan(0);
    expect(upgradesOf(between)).toEqual(upgradesOf(alone));
    const asked = tapes.events.filter(
      (event) =>
        event.type === 'requestStarted' && event.request.headers.some(([name]) => name.toLowerCase() === 'upgrade'),
    );
    const ids = new Set(asked.map((event) => ('exchangeId' in event ? event.exchangeId : '')));
    const answers = tapes.events.filter((event) => event.type === 'responseStarted' && ids.has(event.exchangeId));
    expect(answers).toHaveLength(upgradesOf(alone).length);
    for (const answer of answers) {
      expect(answer).toMatchObject({
        response: {
          status,
          headers: [
            ['connection', 'close'],
            ['content-length', '0'],
          ],
        },
        upstream: { remote: { port: between.port } },
      });
    }
  },
);

it('what the provider accepts is still a WebSocket: one upgrade, one connection, messages both ways', async () => {
  const standIn = await startStandIn({ http2: false });
  const tapes = await startInterceptor({ standIn, tellsUpstream: true });
  closing.push(
    () => standIn.close(),
    () => tapes.close(),
  );
  const messages = ['one', 'two', 'x'.repeat(300_000)];
  const talk = async (): Promise<string[]> => {
    const socket = await tapes.connectTls('chatgpt.com', 443);
    const client = new WebSocket('wss://chatgpt.com/backend-api/realtime', { createConnection: () => socket });
    const echoed: string[] = [];
    return new Promise((resolve, reject) => {
      client.once('open', () => messages.forEach((message) => client.send(message)));
      client.on('message', (data: Buffer) => {
        echoed.push(data.toString('utf8'));
        if (echoed.length === messages.length) client.close(1000, 'enough');
      });
      client.once('close', () => resolve(echoed));
      client.once('error', reject);
    });
  };
  // Several at once: none gets the connection of another.
  const sides = await Promise.all(Array.from({ length: 8 }, talk));
  expect(sides).toEqual(Array.from({ length: 8 }, () => messages));
  await tapes.waitFor('socketClosed', 8);
  expect(standIn.sockets).toHaveLength(8);
  expect(standIn.requests.filter(({ path }) => path === '/backend-api/realtime')).toHaveLength(8);
  const opened = tapes.events.filter((event) => event.type === 'socketOpened');
  for (const { upstream } of opened) expect(upstream?.response?.status).toBe(101);
  expect(new Set(opened.map(({ upstream }) => upstream?.local?.port)).size).toBe(8);
});
