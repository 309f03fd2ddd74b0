// How much later an event of a stream is read because of the proxy, at 1, 20 and 200 streams at once.
import { percentile } from '../report/statistics.ts';
import type { Figure, Row } from './figure.ts';
import { interceptors } from './interceptors.ts';
import { fullScale } from './scale.ts';

const row = (streams: number, share: 'p50' | 'p99'): Row => ({
  key: `delay-${streams}-${share}`,
  label: `added delay of an event, ${streams} ${streams === 1 ? 'stream' : 'streams'}, ${share}`,
  unit: 'ms',
  digits: 2,
  better: 'lower',
  isAdded: true,
  isPlotted: streams === 20,
  ...(share === 'p99'
    ? {
        limits: [
          { type: 'atMost', value: 5 },
          { type: 'belowEvery', peers: interceptors },
        ],
      }
    : {}),
  ...(share === 'p50' && streams === 20
    ? {
        limits: [
          { type: 'atMost', value: 0.3 },
          { type: 'atMostOf', peer: 'mitmproxy', factor: 0.5 },
        ],
      }
    : {}),
});

export const delay: Figure = {
  name: 'delay',
  rows: fullScale.delays.flatMap(({ row: streams }) => [row(streams, 'p50'), row(streams, 'p99')]),
  async measure({ running, traffic, scale }) {
    const values: Record<string, number> = {};
    for (const { row: name, streams, everyMs } of scale.delays) {
      // The first streams begin before the last ones do.
      const events = Math.ceil((scale.streamMs + scale.warmUpMs) / everyMs);
      const job = { type: 'streams', way: running.way, streams, everyMs, events, isLarge: false } as const;
      const { delaysMs, lost, errors } = await traffic.ask(job, 60_000);
      if (lost > 0) throw new Error(`${lost} events of ${streams} streams are lost: ${errors.join('; ')}`);
      values[`delay-${name}-p50`] = percentile(delaysMs, 0.5);
      values[`delay-${name}-p99`] = percentile(delaysMs, 0.99);
    }
    return values;
  },
};
