// A proxy that is one of the small Node programs in `programs/`: it says its port and its root's file in one line, and ends with its stdin. They are
// plain JavaScript, so that nothing but them is in their memory.
import { createRequire } from 'node:module';
import { join } from 'node:path';

import { startProcess } from './peer-process.ts';
import type { Peer, Presence } from './peer.ts';

export interface NodeProxyOptions {
  readonly name: string;
  readonly label: string;
  readonly program: string;
  /** The package that it runs, if any. */
  readonly package?: string;
}

export function nodeProxy({ name, label, program, package: needed }: NodeProxyOptions): Peer {
  return {
    name,
    label,
    look: () => (needed === undefined ? { version: '' } : findPackage(needed)),
    async start(surroundings) {
      const { upstreamPort, upstreamRootFile, folder } = surroundings;
      const file = join(import.meta.dirname, 'programs', program);
      const running = startProcess(surroundings, process.execPath, [file, String(upstreamPort), folder], {
        NODE_EXTRA_CA_CERTS: upstreamRootFile,
      });
      const { port, caFile = upstreamRootFile } = JSON.parse(await running.readLine()) as {
        port: number;
        caFile?: string;
      };
      return {
        way: { port, proxy: { authorization: null }, caFile },
        pid: running.pid,
        stop: async () => {
          await running.end('stdin');
          return [];
        },
      };
    },
  };
}

function findPackage(name: string): Presence {
  const require = createRequire(import.meta.url);
  const places = require.resolve.paths(name) ?? [];
  for (const place of places) {
    try {
      return { version: (require(join(place, name, 'package.json')) as { version: string }).version };
    } catch {
      continue;
    }
  }
  return { absent: `the npm package ${name} is not installed` };
}
