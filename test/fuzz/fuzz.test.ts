// A hundred thousand cases for each decoder, from a seed that stays the same. `npm run fuzz` goes on from other seeds.
import { expect, it } from 'vitest';

import { runTarget } from './run-target.ts';
import { targets } from './targets/index.ts';

const seed = 20_261_125;
const usualCases = 100_000;

it.each(targets.map((target) => [target.name, target.casesInCi ?? usualCases, target] as const))(
  `%s: %i cases from seed ${seed}`,
  { timeout: 120_000 },
  async (_, cases, target) => {
    const { cases: ran, failure } = await runTarget(target, seed, cases);
    if (failure !== null) {
      const { fuzzed, says } = failure;
      throw new Error(`seed ${fuzzed.seed}, input ${JSON.stringify(fuzzed.input.toString('latin1'))}\n${says}`);
    }
    expect(ran).toBe(cases);
  },
);
