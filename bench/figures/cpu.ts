// CPU time for 1,000 calls, all threads and children of the proxy together: what is still to be written when the last answer is out, too.
import { setTimeout as wait } from 'node:timers/promises';

import { readCpuSeconds } from '../peers/process-tree.ts';
import type { Figure } from './figure.ts';

export const cpu: Figure = {
  name: 'cpu',
  rows: [
    {
      key: 'cpu',
      label: 'CPU seconds per 1,000 calls',
      unit: 's',
      digits: 2,
      better: 'lower',
      isPlotted: true,
      limits: [{ type: 'atMostOf', peer: 'mitmproxy-write', factor: 0.6 }],
    },
  ],
  async measure({ running: { way, pid }, traffic, scale: { calls, settleMs } }) {
    if (pid === null) return {};
    await traffic.ask({ type: 'calls', way, calls: Math.ceil(calls / 5), connections: 4 }, 60_000);
    await wait(settleMs);
    const before = readCpuSeconds(pid);
    await traffic.ask({ type: 'calls', way, calls, connections: 4 }, 120_000);
    await wait(settleMs);
    const after = readCpuSeconds(pid);
    return before === null || after === null ? {} : { cpu: ((after - before) / calls) * 1000 };
  },
};
