// Events per second until saturation. What the proxy's core was busy says whether it was the proxy that set the pace.
import { setTimeout as wait } from 'node:timers/promises';

import { readCpuSeconds } from '../peers/process-tree.ts';
import type { Figure } from './figure.ts';

const streams = 64;

export const throughput: Figure = {
  name: 'throughput',
  rows: [
    {
      key: 'throughput',
      label: 'events per second, one core',
      unit: '/s',
      digits: 0,
      better: 'higher',
      isPlotted: true,
      limits: [
        { type: 'atLeastOf', peer: 'mitmproxy', factor: 3 },
        { type: 'atLeastOf', peer: 'mockttp', factor: 0.7 },
      ],
    },
    { key: 'throughput-cpu', label: '… per CPU second of the proxy', unit: '/s', digits: 0, better: 'higher' },
    { key: 'throughput-busy', label: "… the proxy's core busy", unit: '%', digits: 0, better: 'lower' },
  ],
  async measure({ running: { way, pid }, traffic, scale }) {
    const { warmUpMs, measureMs } = scale;
    const { sidePort } = traffic;
    const job = { type: 'saturate', way, sidePort, streams, warmUpMs, measureMs } as const;
    const busy = pid === null ? null : measureBusy(pid, warmUpMs, measureMs);
    const { eventsPerSecond } = await traffic.ask(job, 60_000);
    const share = (await busy) ?? null;
    return {
      throughput: eventsPerSecond,
      // The system counts in steps of 10 ms: in a short time it may have been none.
      ...(share === null || share === 0 ? {} : { 'throughput-cpu': eventsPerSecond / share }),
      ...(share === null ? {} : { 'throughput-busy': share * 100 }),
    };
  },
};

/** Which share of a core the process takes in the middle of what the client measures. */
async function measureBusy(pid: number, warmUpMs: number, measureMs: number): Promise<number | null> {
  await wait(warmUpMs + measureMs * 0.2);
  const [before, begunAt] = [readCpuSeconds(pid), performance.now()];
  await wait(measureMs * 0.6);
  const after = readCpuSeconds(pid);
  return before === null || after === null ? null : (after - before) / ((performance.now() - begunAt) / 1000);
}
