// The harness of `npm run bench`, in its short form: does every peer that is here get all its figures, and do the results hold together? What they say of
// speed is not looked at.
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';

import { figures } from '../../bench/figures/index.ts';
import type { Results } from '../../bench/report/results.ts';
import { run } from '../support/run.ts';

const program = resolve(import.meta.dirname, '../../bench/run.ts');
const out = mkdtempSync(join(tmpdir(), 'tapes-bench-test-'));
afterAll(() => rmSync(out, { recursive: true, force: true }));

const bench = (...args: readonly string[]) =>
  run(process.execPath, ['--import', 'tsx', program, ...args], {
    env: { PATH: process.env['PATH'] ?? '', HOME: out },
    cwd: resolve(program, '../..'),
    timeoutMs: 280_000,
  });
const read = (name: string): string => readFileSync(join(out, name), 'utf8');

describe('npm run bench', () => {
  it('gives every figure of every peer that is there, and says who is not', { timeout: 300_000 }, async () => {
    const { exitCode, stdout, stderr } = await bench('--short', '--name', 'smoke', '--out', out);
    expect({ exitCode, stderr: exitCode === 0 ? '' : stderr }).toEqual({ exitCode: 0, stderr: '' });
    const results = JSON.parse(read('smoke.json')) as Results;
    expect(results.notes).toEqual(process.platform === 'linux' ? [] : [expect.stringContaining('not measured')]);

    const present = results.peers.filter(({ absent }) => absent === null).map(({ name }) => name);
    expect(present).toEqual(
      expect.arrayContaining(['direct', 'relay', 'tapes', 'tapes-dump', 'tapes-no-record', 'mockttp']),
    );
    for (const { name, absent } of results.peers) {
      if (absent !== null) expect(stdout).toContain(`not measured: ${name}: ${absent}`);
    }

    const missing: string[] = [];
    for (const { name: figure, rows, peers = present } of figures) {
      for (const peer of peers.filter((name) => present.includes(name))) {
        const values = results.samples.find((sample) => sample.peer === peer && sample.figure === figure)?.values;
        for (const { key } of rows) {
          // Without a process there is neither CPU time nor memory.
          const isOfProcess = /^(cpu|memory|slope-(cpu|memory)|throughput-)/.test(key);
          const isKnown = process.platform === 'linux' && peer !== 'direct';
          if (isOfProcess && !isKnown) continue;
          // Where the system counted no CPU time in so short a moment, there is nothing to divide by.
          if (key === 'throughput-cpu' && values?.['throughput-busy'] === 0) continue;
          if (!Number.isFinite(values?.[key])) missing.push(`${peer}: ${key}`);
        }
      }
    }
    expect(missing).toEqual([]);

    const table = read('smoke.md');
    for (const { label } of results.rows) expect(table).toContain(label);
    expect(read('smoke.svg')).toMatch(/^<svg [^]*<\/svg>\n$/);
  });

  it('refuses what it does not know, and shows what it does', async () => {
    const { exitCode, stderr } = await bench('--peers', 'direct,squid', '--out', out);
    expect({ exitCode, stderr }).toEqual({
      exitCode: 2,
      stderr: expect.stringMatching(/^there is no peer squid\n[^]*--figures [^]*--peers /),
    });
  });
});
