// Does anything get slower or larger over 10,000 recorded calls? They are made in blocks, and after each block the other figures are taken for
// a moment. What counts is the line through the blocks: how much it rises from the first to the last, in percent of what it is on the way.
import { setTimeout as wait } from 'node:timers/promises';

import { readCpuSeconds, readMemory } from '../peers/process-tree.ts';
import { fitLine, percentile } from '../report/statistics.ts';
import type { RunningPeer } from '../peers/peer.ts';
import type { Figure, Row, Stage } from './figure.ts';

// What counts as none: less than that, or not to be told from chance.
const tolerated = 5;

const kinds = {
  'delay-p50': 'delay of an event, 20 streams, p50',
  'delay-p99': 'delay of an event, 20 streams, p99',
  ttfb: "time to first byte of the block's calls, p50",
  'event-cost': 'time an event takes at saturation',
  'connection-cost': 'time a new connection takes',
  cpu: 'CPU per call',
  memory: 'resident memory',
} as const;
type Kind = keyof typeof kinds;

const row = (kind: Kind): Row => ({
  key: `slope-${kind}`,
  label: `change over 10,000 calls: ${kinds[kind]}`,
  unit: '%',
  digits: 1,
  better: 'lower',
  limits: [{ type: 'atMost', value: tolerated }],
});

export const slope: Figure = {
  name: 'slope',
  peers: ['tapes'],
  rounds: 1,
  rows: (Object.keys(kinds) as Kind[]).map(row),
  async measure(stage) {
    const { slopeBlocks } = stage.scale;
    const running = await stage.startFresh();
    const blocks: Partial<Record<Kind, number>>[] = [];
    for (let block = 0; block < slopeBlocks; block++) blocks.push(await measureBlock(stage, running));
    // The first fifth compiles code and fills caches.
    const settled = blocks.slice(Math.floor(slopeBlocks / 5));
    const values: Record<string, number> = {};
    for (const kind of Object.keys(kinds) as Kind[]) {
      const series = settled.flatMap(({ [kind]: value }) => value ?? []);
      if (series.length < settled.length) continue;
      const { rise, mean, isCertain } = fitLine(series);
      values[`slope-${kind}`] = isCertain && mean > 0 ? (rise / mean) * (slopeBlocks / settled.length) * 100 : 0;
    }
    return values;
  },
};

async function measureBlock(
  { traffic, scale }: Stage,
  { way, pid }: RunningPeer,
): Promise<Partial<Record<Kind, number>>> {
  const { slopeBlockCalls: calls, warmUpMs } = scale;
  const measureMs = scale.measureMs / 4;
  const cpu = (): number | null => (pid === null ? null : readCpuSeconds(pid));
  const before = cpu();
  const { firstByteMs } = await traffic.ask({ type: 'calls', way, calls, connections: 4 }, 120_000);
  await wait(warmUpMs);
  const after = cpu();
  const resident = pid === null ? null : readMemory(pid);
  const events = Math.ceil((measureMs * 2) / 20);
  const { delaysMs } = await traffic.ask(
    { type: 'streams', way, streams: 20, everyMs: 20, events, isLarge: false },
    30_000,
  );
  const { sidePort } = traffic;
  const { eventsPerSecond } = await traffic.ask(
    { type: 'saturate', way, sidePort, streams: 64, warmUpMs: warmUpMs / 5, measureMs },
    30_000,
  );
  const { connectionsPerSecond } = await traffic.ask(
    { type: 'connections', way, atOnce: 8, warmUpMs: warmUpMs / 5, measureMs },
    30_000,
  );
  return {
    'delay-p50': percentile(delaysMs, 0.5),
    'delay-p99': percentile(delaysMs, 0.99),
    ttfb: percentile(firstByteMs, 0.5),
    'event-cost': 1 / eventsPerSecond,
    'connection-cost': 1 / connectionsPerSecond,
    ...(before === null || after === null ? {} : { cpu: (after - before) / calls }),
    ...(resident === null ? {} : { memory: resident.nowBytes }),
  };
}
