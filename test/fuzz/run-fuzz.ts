// `npm run fuzz -- [--minutes N] [--only NAME] [--seed N]`: all targets in turn, from seeds of chance, until the time is over. A case that
// fails is written into test/corpus/crashes/, where every later test run tries it again.
import { randomInt } from 'node:crypto';
import { parseArgs } from 'node:util';

import { writeCrash } from './crash-files.ts';
import { runTarget } from './run-target.ts';
import { targets } from './targets/index.ts';

const { values } = parseArgs({
  options: { minutes: { type: 'string', default: '10' }, only: { type: 'string' }, seed: { type: 'string' } },
});
let chosen = targets.filter(({ name }) => values.only === undefined || name === values.only);
const minutes = Number(values.minutes);
if (chosen.length === 0 || !(minutes > 0)) {
  process.stderr.write(
    `usage: npm run fuzz -- [--minutes N] [--only ${targets.map(({ name }) => name).join('|')}] [--seed N]\n`,
  );
  process.exit(2);
}
const say = (line: string): void => void process.stdout.write(`${line}\n`);
const endsAt = performance.now() + minutes * 60_000;
// Short enough that each target has its turn.
const turnMs = Math.min(60_000, (minutes * 60_000) / chosen.length);
const counts = new Map<string, number>();
let failures = 0;
for (let turn = 0; performance.now() < endsAt && chosen.length > 0; turn += 1) {
  const target = chosen[turn % chosen.length]!;
  const seed = values.seed === undefined ? randomInt(0, 0x7fff_ffff) : Number(values.seed) + turn;
  const left = Math.max(1000, Math.min(turnMs, endsAt - performance.now()));
  const { cases, failure } = await runTarget(target, seed, 1_000_000_000, left);
  counts.set(target.name, (counts.get(target.name) ?? 0) + cases);
  say(
    `${target.name}: ${cases.toLocaleString('en-US')} cases from seed ${seed}${failure === null ? '' : ', one of which fails'}`,
  );
  if (failure === null) continue;
  failures += 1;
  const file = writeCrash(target, failure.fuzzed, failure.says);
  // One fault of a target at a time: what it finds next is most often the same.
  chosen = chosen.filter((other) => other !== target);
  say(`${failure.says}\nwritten to ${file}\nagain: npx vitest run test/fuzz/crashes.test.ts -t ${target.name}`);
}
const all = [...counts.values()].reduce((sum, count) => sum + count, 0);
say(`${all.toLocaleString('en-US')} cases in all, ${failures} failures`);
process.exit(failures > 0 ? 1 : 0);
