// What fuzzing found once, again.
import { expect, it } from 'vitest';

import { readCrashes } from './crash-files.ts';
import { targets } from './targets/index.ts';

it.each(readCrashes())('$name', async ({ target: name, fuzzed }) => {
  const target = targets.find((candidate) => candidate.name === name);
  expect(target, `no target is called ${name}`).toBeDefined();
  await target!.check(fuzzed);
});
