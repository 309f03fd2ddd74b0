// Random scripts through all that a live dump does to events (masking, ordering, labels, rotation): files that tshark accepts, without the secret.
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';

import { openDumpFile } from '../../src/dump/index.ts';
import { DumpPipeline } from '../../src/dump/live/dump-pipeline.ts';
import { disturbTraffic } from '../support/disturb-traffic.ts';
import { freshDumpFolder, originOfTests } from '../support/dump-script.ts';
import { maskKeyOfTests } from '../support/run-start.ts';
import { randomTraffic } from '../support/random-traffic.ts';
import { tshark, tsharkComplaints } from '../support/tshark.ts';

const secret = 'Zx81q7Lm9tR4vKw2Pb6Ny3Hd5';
const rotation = { maxBytes: 60_000, maxFiles: null };

it.each(Array.from({ length: 12 }, (_, seed) => seed))(
  'random traffic of seed %i, with holes, secrets and rotation, is read by tshark',
  async (seed) => {
    const folder = freshDumpFolder();
    const pipeline = new DumpPipeline({
      agent: 'codex',
      origin: originOfTests,
      maskKey: maskKeyOfTests,
      secrets: [secret],
      keepSecrets: false,
      targets: [
        { format: 'pcapng', target: openDumpFile(join(folder, 'run.pcapng'), false, rotation) },
        { format: 'har', target: openDumpFile(join(folder, 'run.har'), false) },
        { format: 'text', target: openDumpFile(join(folder, 'run.txt'), false) },
      ],
      tlsTarget: null,
      bodies: 'full',
      keepZstd: false,
    });
    const events = disturbTraffic(seed, randomTraffic(seed).script.events, secret);
    for (const event of events) await pipeline.handle(event);
    const { files } = await pipeline.close(0);
    expect(files.map(({ problem }) => problem)).toEqual([null, null, null]);
    const [showing, complaints]: [string[], string[]] = [[], []];
    for (const name of readdirSync(folder)) {
      const bytes = readFileSync(join(folder, name));
      // Its end is nowhere: what was cut off may have shown its beginning.
      if (bytes.includes(secret.slice(-12))) showing.push(name);
      if (name.endsWith('.pcapng')) complaints.push(...tsharkComplaints(join(folder, name)));
    }
    expect({ showing, complaints }).toEqual({ showing: [], complaints: [] });
    expect(JSON.parse(readFileSync(join(folder, 'run.har'), 'utf8'))).toHaveProperty('log.entries');
    // Of what was opened all is ended, so that no conversation runs on into the next.
    const [first = ''] = readdirSync(folder)
      .filter((name) => name.endsWith('.pcapng'))
      .sort();
    const count = (filter: string): number => tshark(join(folder, first), '-Y', filter).length;
    expect(count('tcp.flags.fin == 1 || tcp.flags.reset == 1')).toBeGreaterThanOrEqual(
      count('tcp.flags.syn == 1 && tcp.flags.ack == 0'),
    );
  },
);
