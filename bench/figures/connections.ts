// New TLS connections per second, each with one small request.
import type { Figure } from './figure.ts';

export const connections: Figure = {
  name: 'connections',
  rows: [
    {
      key: 'connections',
      label: 'new TLS connections per second',
      unit: '/s',
      digits: 0,
      better: 'higher',
      isPlotted: true,
      limits: [{ type: 'atLeastOf', peer: 'mitmproxy', factor: 1 }],
    },
  ],
  async measure({ running: { way }, traffic, scale }) {
    const { warmUpMs, measureMs } = scale;
    const job = { type: 'connections', way, atOnce: 8, warmUpMs, measureMs } as const;
    const { connectionsPerSecond } = await traffic.ask(job, 60_000);
    return { connections: connectionsPerSecond };
  },
};
