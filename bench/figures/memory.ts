// The peak of the proxy's memory: idle, with 200 streams, and what one large answer and one large request add to what it has before. Each of the
// three is asked of a process of its own, for memory that was once taken is seldom given back.
import { setTimeout as wait } from 'node:timers/promises';

import { readMemory, resetPeak } from '../peers/process-tree.ts';
import type { RunningPeer } from '../peers/peer.ts';
import type { Job } from '../traffic/client.ts';
import type { Figure, Row, Stage, Values } from './figure.ts';

const mega = 1_000_000;
const row = (key: string, label: string, mostMb: number): Row => ({
  key,
  label,
  unit: 'MB',
  digits: 0,
  better: 'lower',
  limits: [{ type: 'atMost', value: mostMb }],
});

export const memory: Figure = {
  name: 'memory',
  rounds: 2,
  rows: [
    { ...row('memory-idle', 'memory: idle, after one request', 120), isPlotted: true },
    { ...row('memory-streams', 'memory: peak of 200 streams', 300), isPlotted: true },
    row('memory-response', 'memory: peak of one 400 MB answer, more than before', 40),
    row('memory-request', 'memory: peak of one 32 MB request, more than before', 120),
  ],
  async measure(stage) {
    if (stage.running.pid === null) return {};
    const { streams, response, request } = jobsOf(stage);
    const values: Record<string, number> = {};
    for (const [key, jobFor] of [
      ['memory-streams', streams],
      ['memory-response', response],
      ['memory-request', request],
    ] as const) {
      const running = await stage.startFresh();
      Object.assign(values, await measurePeak(stage, running, key, jobFor(running)));
    }
    return values;
  },
};

function jobsOf({ scale }: Stage): Record<'streams' | 'response' | 'request', (running: RunningPeer) => Job> {
  const { memoryStreams: streams, streamMs, largeResponseBytes, largeRequestBytes } = scale;
  const events = Math.ceil(streamMs / 100);
  return {
    streams: ({ way }) => ({ type: 'streams', way, streams, everyMs: 100, events, isLarge: true }),
    response: ({ way }) => ({ type: 'transfer', way, side: 'response', bytes: largeResponseBytes }),
    request: ({ way }) => ({ type: 'transfer', way, side: 'request', bytes: largeRequestBytes }),
  };
}

async function measurePeak(
  { traffic, scale }: Stage,
  { way, pid }: RunningPeer,
  key: string,
  job: Job,
): Promise<Values> {
  await traffic.ask({ type: 'firstByte', way, warmUp: 0, requests: 1 }, 30_000);
  await wait(scale.settleMs);
  if (pid !== null) resetPeak(pid);
  const before = pid === null ? null : readMemory(pid);
  await traffic.ask(job, 120_000);
  const after = pid === null ? null : readMemory(pid);
  if (before === null || after === null) return {};
  if (key === 'memory-streams') return { 'memory-idle': before.nowBytes / mega, [key]: after.peakBytes / mega };
  return { [key]: (after.peakBytes - before.nowBytes) / mega };
}
