import { describe, expect, it } from 'vitest';

import type { Results } from './results.ts';
import { renderPlot } from './plot.ts';
import { formatNumber, renderTables } from './table.ts';

const results: Results = {
  name: 'example',
  startedAt: '2026-11-25T12:00:00.000Z',
  durationMs: 90_000,
  isShort: false,
  rounds: 2,
  machine: { machine: 'linux x64, 2 × "CPU" <1>', node: '20.20.2' },
  peers: [
    { name: 'direct', label: 'no proxy', version: '', absent: null },
    { name: 'tapes', label: 'tapes, recording', version: '0.1.0', absent: null },
    { name: 'mockttp', label: 'bare mockttp', version: '4.6.5', absent: null },
    { name: 'claude-tap', label: 'claude-tap', version: '', absent: 'there is no claude-tap on the PATH' },
  ],
  rows: [
    {
      key: 'delay',
      figure: 'delay',
      label: 'added delay',
      unit: 'ms',
      digits: 2,
      better: 'lower',
      isAdded: true,
      isPlotted: true,
      limits: [{ type: 'atMost', value: 0.3 }],
    },
    {
      key: 'throughput',
      figure: 'throughput',
      label: 'events per second',
      unit: '/s',
      digits: 0,
      better: 'higher',
      isPlotted: true,
    },
  ],
  samples: [
    { round: 0, peer: 'direct', figure: 'delay', values: { delay: 0.1 } },
    { round: 1, peer: 'direct', figure: 'delay', values: { delay: 0.2 } },
    { round: 0, peer: 'tapes', figure: 'delay', values: { delay: 0.3 } },
    { round: 1, peer: 'tapes', figure: 'delay', values: { delay: 0.6 } },
    { round: 0, peer: 'mockttp', figure: 'delay', values: { delay: 0.6 } },
    { round: 0, peer: 'tapes', figure: 'throughput', values: { throughput: 12_345.6 } },
    { round: 0, peer: 'mockttp', figure: 'throughput', values: null, failure: 'no answer in 60 s' },
  ],
  notes: ['mockttp, round 1, throughput: no answer in 60 s'],
};

describe('renderTables', () => {
  const text = renderTables(results);

  it('says of each target what it is, what was measured, and whether it holds', () => {
    expect(text).toContain('| added delay | 0.30 ms (0.20–0.40) |  |  | 0.60 | at most 0.3 ms | met |');
  });

  it('has every peer in every row, and says where one failed', () => {
    expect(text).toContain('| figure | direct | tapes | mockttp |');
    expect(text).toContain('| events per second, /s |  | 12,346 | failed |');
  });

  it('names who was not measured, and why', () => {
    expect(text).toContain('**not measured**: there is no claude-tap on the PATH');
    expect(text).toContain('- mockttp, round 1, throughput: no answer in 60 s');
  });
});

describe('formatNumber', () => {
  it.each([
    [1234.5678, 2, '1,234.57'],
    [-0.001, 2, '0.00'],
    [-12, 0, '-12'],
    [1_234_567, 0, '1,234,567'],
    [0.12345, 4, '0.1235'],
  ])('%d with %d digits is %s', (value, digits, expected) => {
    expect(formatNumber(value, digits)).toBe(expected);
  });
});

describe('renderPlot', () => {
  const svg = renderPlot(results);

  it('has a bar for each peer that was measured, as long as its median', () => {
    const widths = [...svg.matchAll(/<rect class="bar[^"]*" x="118" y="\d+" width="([\d.]+)"/g)].map(([, width]) =>
      Number(width),
    );
    expect(widths).toHaveLength(3);
    // 0.3 and 0.5 where 0.5 is the most of all.
    expect(widths[0]! / widths[1]!).toBeCloseTo(0.6, 2);
  });

  it('is well-formed: what is open is closed, and no text breaks it', () => {
    const open: string[] = [];
    for (const [, closing, name, rest] of svg.matchAll(/<(\/?)([a-z]+)([^>]*)>/g)) {
      if (closing === '/') expect(open.pop()).toBe(name);
      else if (!rest!.endsWith('/')) open.push(name!);
    }
    expect(open).toEqual([]);
    expect(svg).toContain('&quot;CPU&quot; &lt;1&gt;');
    expect(svg).toContain('prefers-color-scheme: dark');
  });
});
