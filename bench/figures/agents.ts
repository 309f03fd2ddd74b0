// 200 agents at once, each a connection, a request of 70 kB under zstd and a stream of 20 events a second: what is lost, what is late?
import { percentile } from '../report/statistics.ts';
import type { Figure } from './figure.ts';

export const agents: Figure = {
  name: 'agents',
  rows: [
    {
      key: 'agents-lost',
      label: '200 agents at once: events lost',
      unit: '',
      digits: 0,
      better: 'lower',
      limits: [{ type: 'atMost', value: 0 }],
    },
    {
      key: 'agents-p99',
      label: '200 agents at once: delay of an event once all run, p99',
      unit: 'ms',
      digits: 1,
      better: 'lower',
      isPlotted: true,
      limits: [{ type: 'atMost', value: 25 }],
    },
    {
      key: 'agents-all-p99',
      label: '… of all events, those while others still connect among them',
      unit: 'ms',
      digits: 1,
      better: 'lower',
      limits: [{ type: 'atMost', value: 25 }],
    },
    { key: 'agents-start', label: '… until all have their first event', unit: 'ms', digits: 0, better: 'lower' },
  ],
  async measure({ running: { way }, traffic, scale }) {
    const { agents: streams, agentEvents: events } = scale;
    const job = { type: 'streams', way, streams, everyMs: 50, events, isLarge: true } as const;
    const { delaysMs, allDelaysMs, lost, startMs } = await traffic.ask(job, 90_000);
    return {
      'agents-lost': lost,
      ...(delaysMs.length === 0 ? {} : { 'agents-p99': percentile(delaysMs, 0.99) }),
      ...(allDelaysMs.length === 0 ? {} : { 'agents-all-p99': percentile(allDelaysMs, 0.99) }),
      'agents-start': startMs,
    };
  },
};
