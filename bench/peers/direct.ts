// No proxy at all: what all others are measured against.
import type { Peer } from './peer.ts';

export const direct: Peer = {
  name: 'direct',
  label: 'no proxy',
  look: () => ({ version: '' }),
  start: async ({ upstreamPort, upstreamRootFile }) => ({
    way: { port: upstreamPort, proxy: null, caFile: upstreamRootFile },
    pid: null,
    stop: async () => [],
  }),
};
