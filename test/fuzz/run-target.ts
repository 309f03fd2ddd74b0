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
  const result = await withoutStacks(() => check(property, { seed, numRuns: cases, ...limits }));
  if (!result.failed) return { cases: ran, failure: null };
  const { counterexample, errorInstance } = result;
  const fuzzed = counterexample![0];
  return { cases: ran, failure: { fuzzed, says: await sayFailure(target, fuzzed, errorInstance) } };
}

/** Damaged bytes make decoders throw all the time, and noting where costs an eighth of all that fuzzing does. */
async function withoutStacks<T>(work: () => Promise<T>): Promise<T> {
  const { stackTraceLimit } = Error;
  Error.stackTraceLimit = 0;
  try {
    return await work();
  } finally {
    Error.stackTraceLimit = stackTraceLimit;
  }
}

/** Runs it once more, for the place; what fails only sometimes is told as it was. */
async function sayFailure(target: FuzzTarget, fuzzed: FuzzCase, first: unknown): Promise<string> {
  let failure = first;
  try {
    await target.check(fuzzed);
  } catch (error) {
    failure = error;
  }
  return failure instanceof Error ? (failure.stack ?? failure.message) : String(failure);
}
