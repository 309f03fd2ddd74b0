// `npm run soak -- [--minutes N] [--seed N] [--only LANES] [--json FILE]`: the soak for as long as one likes (an hour if not told), the report on stdout,
// exit code 1 where something does not hold.
import { writeFileSync } from 'node:fs';
import { parseArgs } from 'node:util';

import { laneNames } from './load.ts';
import { renderReport } from './render-report.ts';
import { soak } from './soak.ts';

const { values } = parseArgs({
  options: {
    minutes: { type: 'string', default: '60' },
    seed: { type: 'string', default: '1' },
    only: { type: 'string', default: laneNames.join(',') },
    json: { type: 'string' },
  },
});
const lanes = laneNames.filter((name) => values.only.split(',').includes(name));
const [minutes, seed] = [Number(values.minutes), Number(values.seed)];
if (!(minutes > 0) || !Number.isInteger(seed) || seed < 0 || lanes.length !== values.only.split(',').length) {
  process.stderr.write(
    `usage: npm run soak -- [--minutes N] [--seed N] [--only ${laneNames.join(',')}] [--json FILE]\n`,
  );
  process.exit(2);
}

const report = await soak({
  minutes,
  seed,
  lanes,
  onProgress({ doneSeconds, exchanges, problemCount, sample }) {
    if (!process.stderr.isTTY) return;
    const memory =
      sample === undefined ? '' : `${Math.round(sample.ownMegabytes)} MB, ${sample.descriptors} descriptors`;
    const clock = `${Math.floor(doneSeconds / 60)}:${String(Math.floor(doneSeconds % 60)).padStart(2, '0')}`;
    process.stderr.write(
      `\r\u001B[K${clock} of ${minutes}:00  ${exchanges} exchanges, ${problemCount} problems, ${memory}`,
    );
  },
});
if (process.stderr.isTTY) process.stderr.write('\r\u001B[K');
process.stdout.write(renderReport(report));
if (values.json !== undefined) writeFileSync(values.json, `${JSON.stringify(report, null, 2)}\n`);
process.exitCode = report.failures.length === 0 ? 0 : 1;
