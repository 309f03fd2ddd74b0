// What the proxy adds to the time to the first byte on a connection that is warm on both sides.
import { percentile } from '../report/statistics.ts';
import type { Figure } from './figure.ts';

export const firstByte: Figure = {
  name: 'ttfb',
  rows: [
    {
      key: 'ttfb',
      label: 'added time to first byte, warm connection',
      unit: 'ms',
      digits: 2,
      better: 'lower',
      isAdded: true,
      isPlotted: true,
      limits: [{ type: 'atMost', value: 2 }],
    },
  ],
  async measure({ running, traffic, scale }) {
    const requests = scale.firstBytes;
    const job = { type: 'firstByte', way: running.way, warmUp: Math.ceil(requests / 10), requests } as const;
    const { timesMs } = await traffic.ask(job, 60_000);
    return { ttfb: percentile(timesMs, 0.5) };
  },
};
