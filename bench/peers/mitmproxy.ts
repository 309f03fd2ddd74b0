// mitmproxy, as `mitmdump` on the PATH: streaming, once plain and once writing flows with their bodies.
import { existsSync } from 'node:fs';
import { join } from 'node:path';

import { askVersion, findFreePort, startProcess } from './peer-process.ts';
import type { Peer } from './peer.ts';

const addon = join(import.meta.dirname, 'programs', 'mitmproxy_addon.py');

function mitmproxy(name: string, label: string, writes: boolean): Peer {
  return {
    name,
    label,
    look() {
      const version = askVersion('mitmdump');
      return version === null
        ? { absent: 'there is no mitmdump on the PATH' }
        : { version: version.replace(/^\D*/, '') };
    },
    async start(surroundings) {
      const { folder, upstreamPort, upstreamRootFile } = surroundings;
      const port = await findFreePort();
      const settings = [
        `confdir=${folder}`,
        'stream_large_bodies=1',
        `ssl_verify_upstream_trusted_ca=${upstreamRootFile}`,
        'flow_detail=0',
      ];
      const args = ['--quiet', '--listen-host', '127.0.0.1', '--listen-port', String(port), '--scripts', addon];
      const running = startProcess(
        surroundings,
        'mitmdump',
        [
          ...args,
          ...settings.flatMap((setting) => ['--set', setting]),
          ...(writes ? ['--save-stream-file', join(folder, 'flows')] : []),
        ],
        { BENCH_UPSTREAM_PORT: String(upstreamPort), BENCH_STORE: writes ? '1' : '0', PYTHONDONTWRITEBYTECODE: '1' },
      );
      await running.listening(port);
      return {
        way: { port, proxy: { authorization: null }, caFile: join(folder, 'mitmproxy-ca-cert.pem') },
        pid: running.pid,
        async stop() {
          await running.end('SIGTERM');
          return writes && !existsSync(join(folder, 'flows')) ? ['it wrote no flows'] : [];
        },
      };
    },
  };
}

export const mitmproxyPlain = mitmproxy('mitmproxy', 'mitmdump, streaming', false);
export const mitmproxyWriting = mitmproxy('mitmproxy-write', 'mitmdump -w, streaming, bodies stored', true);
