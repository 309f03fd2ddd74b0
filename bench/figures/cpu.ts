// CPU time for 1,000 calls, all threads and children of the proxy together: what is still to be written when the last answer is out, too.
import { setTimeout as wait } from 'node:timers/promises';

import { readCpuSeconds } from '../peers/process-tree.ts';
import type { Figure } from './figure.ts';

/** Of a core: what a process takes that waits. */
const idleShare = 0.05;
const longestMs = 30_000;

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
    const job = { type: 'calls', way, calls, connections: 4 } as const;
    // As many as are counted: their code is compiled by then.
    await traffic.ask(job, 120_000);
    const before = await readSettled(pid, settleMs);
    await traffic.ask(job, 120_000);
    const after = await readSettled(pid, settleMs);
    return before === null || after === null ? {} : { cpu: ((after - before) / calls) * 1000 };
  },
};

/** Once it has done what it still had to: a recorder may be seconds behind. */
async function readSettled(pid: number, settleMs: number): Promise<number | null> {
  const until = performance.now() + longestMs;
  for (let before = readCpuSeconds(pid); ;) {
    await wait(settleMs);
    const now = readCpuSeconds(pid);
    const share = ((now ?? 0) - (before ?? 0)) / (settleMs / 1000);
    if (share < idleShare || performance.now() > until) return now;
    before = now;
  }
}
