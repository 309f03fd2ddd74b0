// claude-tap (https://github.com/liaohch3/claude-tap) as a forward proxy without a client of its own, from its README: `--tap-proxy-mode forward
// --tap-no-launch`. Written without having it at hand: it needs Python 3.11 and a package index. It knows no other address for a host, nor roots besides
// Python's own: Python is told both, the root by SSL_CERT_FILE and the address by a `sitecustomize` module, which any Python reads at its start.
import { mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

import { needs } from '../../test/support/programs.ts';
import { host } from '../traffic/way.ts';
import { findFreePort, startProcess } from './peer-process.ts';
import type { Peer } from './peer.ts';

const redirect = (port: number): string => `import socket

original = socket.getaddrinfo


def getaddrinfo(name, port, *args, **kwargs):
    if name in ("${host}", b"${host}"):
        return original("127.0.0.1", ${port}, *args, **kwargs)
    return original(name, port, *args, **kwargs)


socket.getaddrinfo = getaddrinfo
`;

export const claudeTap: Peer = {
  name: 'claude-tap',
  label: 'claude-tap, forward proxy',
  look() {
    // It is not asked for its version: what it does not know itself it passes on to the agent that it would start.
    return needs('claude-tap').skip ? { absent: 'there is no claude-tap on the PATH' } : { version: 'unknown' };
  },
  async start(surroundings) {
    const { folder, upstreamPort, upstreamRootFile } = surroundings;
    const port = await findFreePort();
    const modules = join(folder, 'modules');
    mkdirSync(modules, { recursive: true });
    writeFileSync(join(modules, 'sitecustomize.py'), redirect(upstreamPort));
    const options = ['client codex', 'proxy-mode forward', 'no-launch', 'host 127.0.0.1', `port ${port}`, 'no-live'];
    const more = ['no-open', 'no-update-check', `output-dir ${join(folder, 'traces')}`];
    const args = [...options, ...more].flatMap((option) => `--tap-${option}`.split(' '));
    const running = startProcess(surroundings, 'claude-tap', args, {
      PYTHONPATH: modules,
      SSL_CERT_FILE: upstreamRootFile,
    });
    await running.listening(port);
    return {
      way: { port, proxy: { authorization: null }, caFile: findRoot(folder) },
      pid: running.pid,
      async stop() {
        await running.end('SIGINT');
        return [];
      },
    };
  },
};

/** The certificate of the authority that it has made below its home. */
function findRoot(folder: string): string {
  for (const entry of readdirSync(folder, { recursive: true, withFileTypes: true })) {
    const file = join(entry.parentPath, entry.name);
    if (!entry.isFile() || !/ca.*\.(pem|crt)$/i.test(entry.name)) continue;
    if (readFileSync(file, 'utf8').includes('BEGIN CERTIFICATE')) return file;
  }
  throw new Error(`claude-tap has made no root below ${folder}`);
}
