// tapes as a user has it: `tapes intercept` from the build, around a shell that says where it was led, and then waits for the end of its stdin.
import { execFileSync } from 'node:child_process';
import { existsSync, mkdtempSync, rmSync } from 'node:fs';
import { join } from 'node:path';

import type { Run } from '../../src/domain/index.ts';
import { tapesVersion } from '../../src/version.ts';
import { tapesBin } from '../../test/support/tapes.ts';
import { host } from '../traffic/way.ts';
import { startProcess } from './peer-process.ts';
import type { Peer } from './peer.ts';

const script = 'echo "$HTTPS_PROXY $CODEX_CA_CERTIFICATE"; exec cat >&2';

function tapes(name: string, label: string, optionsIn: (folder: string) => readonly string[]): Peer {
  return {
    name,
    label,
    look: () =>
      existsSync(join(tapesBin, '../../program/main.js'))
        ? { version: tapesVersion() }
        : { absent: 'run npm run build' },
    async start(surroundings) {
      const { folder, upstreamPort, upstreamRootFile } = surroundings;
      const home = join(folder, 'home');
      // A recording of its own for each start; the root stays.
      const files = mkdtempSync(join(folder, 'run-'));
      const file = join(files, 'tapes.db');
      const options = optionsIn(files);
      const places = ['--home', home, '--db', file];
      const routes = ['--resolve', `${host}:443:127.0.0.1:${upstreamPort}`, '--upstream-ca', upstreamRootFile];
      const args = ['intercept', '--quiet', ...places, ...routes, ...options, '--', 'sh', '-c', script];
      const running = startProcess(surroundings, process.execPath, [tapesBin, ...args]);
      const [proxyUrl = '', caFile = ''] = (await running.readLine()).split(' ');
      const { port, username, password } = new URL(proxyUrl);
      const authorization = `Basic ${Buffer.from(`${username}:${password}`).toString('base64')}`;
      return {
        way: { port: Number(port), proxy: { authorization }, caFile },
        pid: running.pid,
        async stop() {
          await running.end('stdin');
          const said = running.lastWords.trim();
          const losses = options.includes('--no-record') ? [] : readLosses(places);
          rmSync(files, { recursive: true, force: true });
          return [...(said === '' ? [] : [said]), ...losses];
        },
      };
    },
  };
}

/** What is missing in the recording, which a figure must not be bought with. */
function readLosses(places: readonly string[]): string[] {
  const text = execFileSync(process.execPath, [tapesBin, 'runs', '--json', ...places], { encoding: 'utf8' });
  const [run] = JSON.parse(text) as [Run?];
  if (run === undefined) return ['it recorded no run'];
  return run.dropped > 0 || run.status !== 'ended' ? [`${run.dropped} events were not recorded, ${run.status}`] : [];
}

export const tapesRecording = tapes('tapes', 'tapes, recording', () => []);
export const tapesDumping = tapes('tapes-dump', 'tapes, recording and a pcapng dump', (folder) => [
  '--dump',
  join(folder, 'dump.pcapng'),
  '--force',
]);
export const tapesPlain = tapes('tapes-no-record', 'tapes --no-record', () => ['--no-record']);
