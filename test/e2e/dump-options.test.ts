// What the options of a dump do to a real run of Codex: rings of files in each format, and how much of bodies the text form shows.
import { readdirSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { HarValidator } from '@har-sdk/validator';
import { afterEach, describe, expect, it } from 'vitest';

import { text } from '../support/chatgpt/index.ts';
import { openDumpScene, type DumpScene } from '../support/dump-scene.ts';
import { readCalls, runCodex, runTapes } from '../support/tapes.ts';

const closing: (() => unknown)[] = [];
afterEach(async () => {
  for (const close of closing.splice(0).reverse()) await close();
});

async function set(...options: Parameters<typeof openDumpScene>): Promise<DumpScene> {
  const scene = await openDumpScene(...options);
  closing.push(scene.close);
  return scene;
}

const exec = (...args: string[]): string[] => ['exec', '--skip-git-repo-check', ...args];

interface Entry {
  readonly startedDateTime: string;
  readonly time: number;
  readonly timings: Readonly<Record<string, number>>;
  readonly connection: string;
  readonly _connectionId: string;
  readonly _tapes: { readonly exchangeId: string; readonly callId?: string; readonly requestMs?: number };
  readonly response: { readonly status: number };
}

const readHar = (text: string): { readonly log: { readonly entries: readonly Entry[] } } =>
  JSON.parse(text) as { log: { entries: Entry[] } };

describe('a ring of files', () => {
  it('in HAR: each is valid by its schema, and together they have every exchange once', async () => {
    const scene = await set({ scenario: [text('word '.repeat(2000))] });
    const options = ['--dump', join(scene.folder, 'run.har'), '--dump-max-bytes', '8kB'];
    const { exitCode } = await runCodex(scene, exec('hello'), { options });
    expect(exitCode).toBe(0);
    const names = readdirSync(scene.folder).sort();
    expect(names.length).toBeGreaterThan(2);
    const seen: string[] = [];
    for (const [at, name] of names.entries()) {
      expect(name).toMatch(new RegExp(`^run_${String(at + 1).padStart(5, '0')}_\\d{14}\\.har$`));
      const written = readFileSync(join(scene.folder, name), 'utf8');
      expect(await new HarValidator().verify(JSON.parse(written) as never)).toEqual([]);
      seen.push(...readHar(written).log.entries.map(({ _tapes }) => _tapes.exchangeId));
      expect(statSync(join(scene.folder, name)).mode & 0o777).toBe(0o600);
    }
    expect(new Set(seen).size).toBe(seen.length);
    const [run] = JSON.parse((await runTapes(scene.tapes, ['runs', '--json'])).stdout) as [{ exchanges: number }];
    expect(seen).toHaveLength(run.exchanges);
  });

  it.each(['har', 'txt'])('in .%s keeps the newest files only', async (ending) => {
    const scene = await set({ scenario: [text('word '.repeat(2000))] });
    const options = ['--dump', join(scene.folder, `run.${ending}`), '--dump-max-bytes', '8kB', '--dump-files', '2'];
    expect((await runCodex(scene, exec('hello'), { options })).exitCode).toBe(0);
    const names = readdirSync(scene.folder).sort();
    expect(names).toHaveLength(2);
    expect(Number(names[0]!.slice(4, 9))).toBeGreaterThan(1);
    for (const name of names) {
      const written = readFileSync(join(scene.folder, name), 'utf8');
      if (ending === 'har') expect(await new HarValidator().verify(JSON.parse(written) as never)).toEqual([]);
      // Each says where it comes from, and no line is cut.
      else expect(written).toMatch(/^# tapes \d[^\n]* on [^\n]*\n(?:(?:\d{4}-\d\d-\d\dT| {4})[^\n]*\n| {4}\n)*$/);
    }
  });
});

describe('--dump-bodies', () => {
  it.each(['none', 'head', 'full'] as const)('%s, while Codex runs and from the database', async (bodies) => {
    const words = `first-word ${'word '.repeat(3000)}last-word`;
    const scene = await set({ scenario: [text(words)] });
    const live = join(scene.folder, 'live.txt');
    const options = ['--dump', live, '--dump-bodies', bodies];
    const { stdout, exitCode } = await runCodex(scene, exec('a-prompt-to-find'), { options });
    expect({ stdout, exitCode }).toEqual({ stdout: `${words}\n`, exitCode: 0 });
    const [call] = await readCalls(scene.tapes);
    const raw = async (side: string): Promise<string> => (await runTapes(scene.tapes, ['raw', call!.id, side])).stdout;
    const [request, response] = [await raw('--request'), await raw('--response')];
    const later = await runTapes(scene.tapes, ['dump', call!.id, '--format', 'text', '--dump-bodies', bodies]);
    for (const file of [readFileSync(live, 'utf8'), later.stdout]) {
      // Its first line names the command, with the prompt.
      const dumped = file.slice(file.indexOf('\n'));
      // Whatever is shown of bodies, what happened is told, with sizes and headers.
      expect(dumped).toContain(`call=${call!.id}`);
      expect(dumped).toMatch(/ < \d+ bytes\n/);
      const sizes = [request, response].map((body) => Buffer.byteLength(body).toLocaleString('en-US'));
      const leftOut = sizes.map((size) => dumped.includes(`    … (${size} bytes in all)\n`));
      const found = {
        request: dumped.includes('a-prompt-to-find'),
        begun: dumped.includes('"model": "') || dumped.includes('event: response.created'),
        end: dumped.includes('last-word'),
        leftOut,
      };
      expect(found).toEqual(
        {
          none: { request: false, begun: false, end: false, leftOut: [false, false] },
          head: { request: false, begun: true, end: false, leftOut: [true, true] },
          full: { request: true, begun: true, end: true, leftOut: [false, false] },
        }[bodies],
      );
      if (bodies !== 'full') continue;
      // All of the answer's text, line by line.
      const lines = new Set(dumped.split('\n').map((line) => line.slice(4)));
      expect(response.split('\n').filter((line) => !lines.has(line))).toEqual([]);
    }
  });
});

it('a HAR tells of each connection once how it was made, live and from the database', async () => {
  const scene = await set({ scenario: [text('Hello')] });
  const live = join(scene.folder, 'live.har');
  const { exitCode } = await runCodex(scene, exec('hello'), { options: ['--dump', live] });
  expect(exitCode).toBe(0);
  const runId = (JSON.parse((await runTapes(scene.tapes, ['runs', '--json'])).stdout) as [{ id: string }])[0].id;
  const later = (await runTapes(scene.tapes, ['dump', runId, '--format', 'har'])).stdout;
  const [told, toldLater] = [readFileSync(live, 'utf8'), later].map((har) => readHar(har).log.entries);
  for (const entries of [told!, toldLater!]) {
    const made = entries.filter(({ timings }) => timings['connect'] !== -1);
    const connections = new Set(
      entries.filter(({ timings }) => timings['blocked'] !== -1).map((entry) => entry._connectionId),
    );
    expect(made.length).toBeGreaterThan(0);
    // One for each connection of the agent that reached the provider, and no more.
    expect(new Set(made.map((entry) => entry._connectionId)).size).toBe(made.length);
    expect(made.length).toBe(connections.size);
    for (const { time, timings, _tapes } of entries) {
      const { ssl = -1, ...inTurn } = timings;
      expect(Object.values(inTurn).reduce((sum, ms) => sum + Math.max(0, ms), 0)).toBeCloseTo(time, 2);
      expect(ssl).toBeLessThanOrEqual(timings['connect']!);
      if (timings['connect'] === -1) continue;
      expect(ssl).toBeGreaterThan(0);
      // An address was given in the place of the name.
      expect(timings['dns']).toBe(-1);
      expect(_tapes.requestMs ?? 0).toBeGreaterThanOrEqual(0);
    }
  }
  const connects = (entries: readonly Entry[]): Map<string, number> =>
    new Map(entries.map(({ _tapes, timings }) => [_tapes.exchangeId, timings['connect']!]));
  for (const [id, ms] of connects(toldLater!)) expect(Math.abs(connects(told!).get(id)! - ms)).toBeLessThan(1);
});
