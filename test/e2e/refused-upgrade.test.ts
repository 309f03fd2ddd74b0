// A WebSocket that the provider itself refuses, under `tapes intercept`: the agent sees what was said, byte for byte, and the database and every dump
// tell of it as of any exchange.
import { mkdirSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { HarValidator } from '@har-sdk/validator';
import { afterEach, expect, it } from 'vitest';

import { makeCodexHome } from '../support/codex.ts';
import { startRawUpstream } from '../support/fidelity/raw-upstream.ts';
import { query } from '../support/query.ts';
import { run } from '../support/run.ts';
import { makeTapesHome, readRuns, runTapes, sceneEnv, tapesBin } from '../support/tapes.ts';
import { httpMessages, tsharkComplaints } from '../support/tshark.ts';

const closing: (() => unknown)[] = [];
afterEach(async () => {
  for (const close of closing.splice(0).reverse()) await close();
});

const body = '{"detail":"no WebSocket for you"}';
const answer = `HTTP/1.1 401 Not today\r\nX-Second: 2\r\nx-first: 1\r\nContent-Type: application/json\r\nContent-Length: ${body.length}\r\n\r\n${body}`;
const bearer = 'a-secret-of-the-upgrade-8f14e45f';

it('is told with its status, headers and body in the database and in every dump', async () => {
  const upstream = await startRawUpstream({ alpn: ['http/1.1'] });
  const codex = makeCodexHome();
  const tapes = makeTapesHome();
  closing.push(() => upstream.close(), codex.remove, tapes.remove);
  const folder = join(tapes.dir, 'dumps');
  mkdirSync(folder);
  upstream.play(async (peer) => {
    await peer.until('\r\n\r\n');
    await peer.write(answer);
  });
  const ask = [
    'curl -sS -i --suppress-connect-headers --http1.1 --cacert "$CODEX_CA_CERTIFICATE" -H "Connection: Upgrade" -H "Upgrade: websocket"',
    `-H "Sec-WebSocket-Version: 13" -H "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==" -H "Authorization: Bearer $THE_TOKEN"`,
    'https://chatgpt.com/backend-api/realtime?model=m',
  ].join(' ');
  const options = [...upstream.resolveArgs(), '--upstream-ca', upstream.caFile, '--dump', `${folder}/`];
  const { stdout, exitCode } = await run(process.execPath, [tapesBin, 'intercept', ...options, '--', 'sh', '-c', ask], {
    cwd: codex.project,
    env: { ...sceneEnv({ tapes, codex }), THE_TOKEN: bearer },
  });
  expect({ stdout, exitCode }).toEqual({ stdout: answer, exitCode: 0 });

  const rows = query(
    join(tapes.dir, 'tapes.db'),
    'SELECT kind, method, path, status, reason, outcome, response_wire_bytes AS bytes FROM exchanges',
  );
  const told = { kind: 'http', method: 'GET', path: '/backend-api/realtime?model=m', status: 401, outcome: 'ended' };
  expect(rows).toEqual([{ ...told, reason: 'Not today', bytes: body.length }]);

  const [har = '', pcapng = '', txt = ''] = readdirSync(folder)
    .map((name) => join(folder, name))
    .sort();
  const runId = (await readRuns(tapes))[0]!.id;
  const fromDatabase = async (format: string): Promise<string> => {
    const file = join(folder, `database.${format}`);
    const dumped = await runTapes(tapes, ['dump', runId, '--format', format, '-o', file]);
    expect(dumped.exitCode).toBe(0);
    return file;
  };
  const dumps = {
    har: [har, await fromDatabase('har')],
    pcapng: [pcapng, await fromDatabase('pcapng')],
    text: [txt, await fromDatabase('text')],
  };
  for (const [at, file] of dumps.har.entries()) {
    const written = JSON.parse(readFileSync(file, 'utf8')) as { readonly log: { readonly entries: readonly never[] } };
    expect(await new HarValidator().verify(written as never)).toEqual([]);
    const headers = ['X-Second: 2', 'x-first: 1', 'Content-Type: application/json', `Content-Length: ${body.length}`];
    // Only calls keep their bodies in the database: of this one, too, it says how much there was.
    const content =
      at === 0 ? { text: body } : { comment: expect.stringContaining(`${body.length} bytes are missing`) };
    const asPairs = headers.map((header) => ({ name: header.split(': ')[0], value: header.split(': ')[1] }));
    expect(written.log.entries).toEqual([
      expect.objectContaining({
        response: expect.objectContaining({
          status: 401,
          statusText: 'Not today',
          headers: asPairs,
          bodySize: body.length,
          content: expect.objectContaining(content),
        }),
      }),
    ]);
  }
  for (const file of dumps.pcapng) {
    expect(tsharkComplaints(file)).toEqual([]);
    expect(
      httpMessages(file)
        .map(({ leg, method, status }) => `${leg} ${method || status}`)
        .sort(),
    ).toEqual(['agent 401', 'agent GET', 'provider 401', 'provider GET']);
  }
  expect(readFileSync(pcapng).includes(body)).toBe(true);
  for (const file of dumps.text) expect(readFileSync(file, 'utf8')).toMatch(/ < 401 Not today\n +X-Second: 2\n/);
  expect(readFileSync(txt, 'utf8')).toContain('"no WebSocket for you"');
  for (const file of Object.values(dumps).flat()) expect(readFileSync(file, 'latin1')).not.toContain(bearer);
});
