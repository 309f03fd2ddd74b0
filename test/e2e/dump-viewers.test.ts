// A run with one of everything, as HAR and text: what Chrome DevTools and Firefox make of the HAR, and that no dump holds the login in any
// form. The browsers are large, so `.ci/run` installs none; docs/discoveries/browsers.md has what was seen with them.
import { mkdirSync, readdirSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';

import type { HarEntry } from '../../src/dump/har/har-format.ts';
import { openInChromium } from '../support/har-in-chromium.ts';
import { openInFirefox } from '../support/har-in-firefox.ts';
import { needs } from '../support/programs.ts';
import { runTapes } from '../support/tapes.ts';
import { runVariedTraffic, type VariedRun } from '../support/varied-traffic.ts';
import { formsOf } from '../secrets/search.ts';

let varied: VariedRun;
let folder: string;
let harFile: string;
let entries: readonly HarEntry[];

beforeAll(async () => {
  varied = await runVariedTraffic((home) => {
    mkdirSync(join(home, 'dumps'));
    return ['har', 'txt', 'pcapng'].flatMap((ending) => ['--dump', join(home, 'dumps', `live.${ending}`)]);
  });
  expect(varied.result).toMatchObject({ exitCode: 0 });
  folder = join(varied.tapes.dir, 'dumps');
  harFile = join(folder, 'live.har');
  ({ entries } = (JSON.parse(readFileSync(harFile, 'utf8')) as { log: { entries: HarEntry[] } }).log);
});
afterAll(() => varied?.close());

/** Viewers put them in the order of their beginnings. */
const inOrder = (): HarEntry[] =>
  [...entries].sort((a, b) => Date.parse(a.startedDateTime) - Date.parse(b.startedDateTime));

describe('a HAR of everything', () => {
  it('has each kind of exchange, and phases whose sum is the time', () => {
    const statuses = entries.map(({ response }) => response.status);
    for (const status of [0, 101, 200, 404, 426]) expect(statuses).toContain(status);
    expect(new Set(entries.map(({ request }) => request.httpVersion))).toEqual(new Set(['HTTP/1.1', 'HTTP/2.0']));
    for (const { time, timings } of entries) {
      // The handshake is a part of connecting.
      const { ssl, ...others } = timings;
      expect(ssl).toBeLessThanOrEqual(timings.connect);
      const phases = Object.values(others).filter((ms) => ms !== -1);
      expect(phases.reduce((sum, ms) => sum + ms, 0)).toBeCloseTo(time, 2);
      for (const ms of phases) expect(ms).toBeGreaterThanOrEqual(0);
    }
    const [unanswered] = entries.filter(({ response }) => response.status === 0);
    expect(unanswered!.response._error).toContain('ECONNRESET');
    // Codex, too, may hang up on something when it ends.
    const errors = entries.flatMap(({ response }) => (response.status === 200 ? [response._error] : []));
    expect(errors).toContainEqual(expect.stringContaining('ECONNRESET'));
  });

  const chromium = needs('chromium');
  it.skipIf(chromium.skip)(`opens in the Network panel of Chrome DevTools${chromium.reason}`, async () => {
    const { requests, rows, problems } = await openInChromium(harFile);
    expect({ rows, problems }).toEqual({ rows: entries.length, problems: [] });
    for (const [at, entry] of inOrder().entries()) {
      const shown = requests.find(
        ({ url, connectionId, duration }) =>
          url === entry.request.url &&
          connectionId === (entry._connectionId ?? '') &&
          Math.abs(duration * 1000 - entry.time) < 0.01,
      );
      expect(shown, `entry ${at}`).toMatchObject({
        status: entry.response.status,
        method: entry.request.method,
        type: entry._resourceType,
        remoteAddress: `${entry.serverIPAddress ?? ''}:${entry.connection}`,
        transferSize: entry.response._transferSize,
        requestBody: entry.request.postData?.text ?? null,
        content: entry.response.content.text ?? '',
      });
      expect(shown!.frames).toEqual(
        (entry._webSocketMessages ?? []).map(({ type, data, opcode }) => ({ type, text: data, opCode: opcode })),
      );
      expect(shown!.events).toEqual(
        (entry._eventSourceMessages ?? []).map(({ time, eventName, data }) => ({ time, eventName, data })),
      );
    }
    const streamed = requests.filter(({ events }) => events.length > 0);
    expect(streamed).toHaveLength(3);
    // As they came, and not all at once.
    expect(new Set(streamed[1]!.events.map(({ time }) => time)).size).toBeGreaterThan(3);
  });

  const firefox = needs('firefox-esr');
  it.skipIf(firefox.skip)(`opens in the network monitor of Firefox${firefox.reason}`, async () => {
    const { requests } = await openInFirefox(harFile);
    expect(requests).toHaveLength(entries.length);
    for (const entry of entries) {
      const shown = requests.find(
        // Firefox adds `ssl` a second time; HAR 1.2 has it in `connect`, and in the time once.
        ({ url, totalTime }) =>
          url === entry.request.url && Math.abs(totalTime - Math.max(0, entry.timings.ssl) - entry.time) < 0.01,
      );
      expect(shown).toMatchObject({
        status: entry.response.status,
        method: entry.request.method,
        remotePort: entry.connection,
        transferredSize: entry.response.bodySize,
        contentSize: entry.response.content.size,
        mimeType: entry.response.content.mimeType,
      });
      expect(shown!.requestBody ?? null).toBe(entry.request.postData?.text ?? null);
      expect(shown!.content ?? null).toBe(entry.response.content.text ?? null);
    }
  });
});

describe('the login', () => {
  it('is in no dump, live or from the database, in no form and not in part', async () => {
    for (const format of ['har', 'text', 'pcapng']) {
      const file = join(folder, `database.${format}`);
      const { exitCode } = await runTapes(varied.tapes, ['dump', 'last', '--format', format, '-o', file]);
      expect(exitCode).toBe(0);
    }
    const files = readdirSync(folder);
    expect(files).toHaveLength(6);
    for (const name of files) {
      const file = join(folder, name);
      expect({ name, mode: statSync(file).mode & 0o777 }).toEqual({ name, mode: 0o600 });
      const forms = formsOf(readFileSync(file));
      for (const secret of Object.values<string>({ ...varied.codex.tokens }).filter((value) => value.length > 60)) {
        // The end, in parts: a part would be too much. (An account's id, which is no secret, is in one.)
        const rest = secret.split('.').filter((piece: string) => !piece.startsWith('acc-'));
        const parts = rest.at(-1)!.match(/.{20}/g) ?? [];
        expect(parts.length).toBeGreaterThan(0);
        for (const part of parts) {
          for (const [form, bytes] of Object.entries(forms)) {
            for (const encoded of [part, ...base64Forms(part), Buffer.from(part).toString('hex')])
              expect(around(bytes, encoded), `${name}, ${form}: a part of a token`).toBe('');
          }
        }
      }
    }
    // Where they were there is something: the search was not of nothing.
    const [socket] = entries.filter(({ _webSocketMessages }) => (_webSocketMessages?.length ?? 0) > 0);
    expect(socket!._webSocketMessages![0]!.data).toMatch(/^\{"token":"masked:[0-9a-f]{8}\*+"\}$/);
    expect(Buffer.from(socket!._webSocketMessages![2]!.data, 'base64').toString('latin1')).toMatch(/^\xff\0masked:/);
    const image = entries.find(({ response }) => response.content.mimeType === 'image/png')!;
    const bytes = Buffer.from(image.response.content.text!, 'base64');
    expect(bytes.toString('latin1')).toContain('masked:');
    expect(bytes).toHaveLength(310 + varied.codex.tokens.accessToken.length);
    expect(image.request.url).toMatch(/access_token=masked:[0-9a-f]{8}\*+&size=300$/);
  });
});

/** What stands there, with what is before it; empty: it is not there. */
function around(bytes: Buffer, text: string): string {
  const at = bytes.indexOf(text);
  return at === -1 ? '' : bytes.subarray(Math.max(0, at - 80), at + text.length).toString('latin1');
}

/** As it stands in base64 at each of the three places that it can begin at, without the characters that its neighbours decide. */
const base64Forms = (text: string): string[] =>
  [0, 1, 2].map((shift) =>
    Buffer.from(`${' '.repeat(shift)}${text}`)
      .toString('base64')
      .slice(4, -4),
  );
