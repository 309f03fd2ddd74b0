// `npm run bench`: what tapes costs next to nothing and next to what one would use instead. Every peer in turn, several rounds; results go to
// bench/results/ as JSON, Markdown and SVG. See bench/README.md.
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

import { figures } from './figures/index.ts';
import { fullScale, shortScale } from './figures/scale.ts';
import { measure } from './measure.ts';
import { readOptions, usage } from './options.ts';
import { peers } from './peers/index.ts';
import { judge } from './report/results.ts';
import { renderPlot } from './report/plot.ts';
import { renderTables } from './report/table.ts';

const options = readOptions(process.argv.slice(2), { figures, peers, fullScale, shortScale });
if ('problem' in options) {
  process.stderr.write(`${options.problem}\n\n${usage({ figures, peers })}`);
  process.exit(options.problem === '' ? 0 : 2);
}
// What peers start ends with this process, however that ends.
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.once(signal, () => process.exit(130));

const results = await measure(options, (line) => {
  if (process.stderr.isTTY) process.stderr.write(`\r\x1b[K${line}`);
  else process.stderr.write(`${line}\n`);
});
if (process.stderr.isTTY) process.stderr.write('\r\x1b[K');
mkdirSync(options.out, { recursive: true });
const write = (ending: string, text: string): string => {
  const file = join(options.out, `${options.name}.${ending}`);
  writeFileSync(file, text);
  return file;
};
write('json', `${JSON.stringify(results, null, 1)}\n`);
write('svg', renderPlot(results));
const file = write('md', renderTables(results));
for (const row of results.rows) {
  const verdict = judge(results, row);
  if (verdict !== null) process.stdout.write(`${verdict.padEnd(8)} ${row.label}\n`);
}
for (const { name, absent } of results.peers)
  if (absent !== null) process.stdout.write(`not measured: ${name}: ${absent}\n`);
for (const note of results.notes) process.stdout.write(`note: ${note}\n`);
process.stdout.write(`${file}\n`);
process.exit();
