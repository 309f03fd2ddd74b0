// Agents that run side by side write into one database: none loses anything to another. bench/fifty-at-once.ts does it with fifty.
import { expect, it } from 'vitest';
import { runAtOnce } from '../support/at-once.ts';

it(
  'eight `tapes intercept` that begin at once in a new home keep every call of each',
  { timeout: 120_000 },
  async () => {
    expect(await runAtOnce(8, 3, 100_000)).toMatchObject({ wrong: [] });
  },
);
