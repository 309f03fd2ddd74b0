// Runs one target over many cases; a failing one is made smaller first.
import { asyncProperty, check } from 'fast-check';

import { casesOf } from './case.ts';
import type { FuzzCase, FuzzTarget } from './case.ts';

export interface FuzzResult {
  readonly cases: number;
  readonly failure: { readonly fuzzed: FuzzCase; readonly says: string } | null;
}

export async function runTarget(
  target: FuzzTarget,
  seed: number,
  cases: number,
  withinMs = Infinity,
): Promise<FuzzResult> {
  let ran = 0;
  const property = asyncProperty(casesOf(target), async (fuzzed) => {
    ran += 1;
    // Most decoders do not wait, and waiting for each of them would take as long as they do.
    const waits = target.check(fuzzed);
    if (waits !== undefined) await waits;
  });
  const limits = withinMs === Infinity ? {} : { interruptAfterTimeLimit: withinMs, markInterruptAsFailure: false };
  const result = await check(property, { seed, numRuns: cases, ...limits });
  if (!result.failed) return { cases: ran, failure: null };
  const { counterexample, errorInstance } = result;
  const says = errorInstance instanceof Error ? (errorInstance.stack ?? errorInstance.message) : String(errorInstance);
  return { cases: ran, failure: { fuzzed: counterexample![0], says } };
}
