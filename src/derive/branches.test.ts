import { expect, it } from 'vitest';

import type { ChainedCall } from './branches.ts';
import { findBranches } from './branches.ts';

/** `id`, how many items its input has, how many of them are new. */
const call = (id: string, inputItems: number, newItems: number, changes: Partial<ChainedCall> = {}): ChainedCall => ({
  id,
  kind: 'turn',
  status: 'completed',
  inputItems,
  newItems,
  isIncremental: false,
  ...changes,
});

const branchesOf = (...calls: ChainedCall[]): Record<string, string> =>
  Object.fromEntries(
    [...findBranches(calls)].map(([id, { reason, fromCallId }]) => [id, `${reason} from ${fromCallId}`]),
  );

// Seven items open a conversation, the last of them the prompt; each answer is one item.
const first = call('first', 7, 7);
const second = call('second', 9, 1);

it('a conversation that goes on has no branch: prompts, tool results, retries', () => {
  const cut = call('cut', 12, 1, { status: 'truncated' });
  expect(branchesOf(first, second, call('tool', 11, 1), cut, call('retry', 12, 0))).toEqual({});
});

it('an edited prompt goes on from the call before it', () => {
  expect(branchesOf(first, second, call('edited', 9, 1))).toEqual({ edited: 'edit from first' });
  expect(branchesOf(first, call('begun anew', 7, 1))).toEqual({ 'begun anew': 'edit from null' });
});

it('a second edit does not go on from what the first one left', () => {
  const left = [first, second, call('third', 11, 1)];
  expect(branchesOf(...left, call('edited', 9, 1), call('on', 11, 1), call('edited again', 11, 1))).toEqual({
    edited: 'edit from first',
    'edited again': 'edit from edited',
  });
});

it('what follows a compaction goes on from its summary, also where it is longer than what was before', () => {
  const compact = call('compact', 11, 1, { kind: 'compaction' });
  expect(branchesOf(first, second, compact, call('after', 6, 5), call('on', 8, 1))).toEqual({
    after: 'compaction from compact',
  });
  expect(branchesOf(first, second, compact, call('after', 20, 19))).toEqual({ after: 'compaction from compact' });
});

it('a compaction that failed leaves the conversation as it was', () => {
  const failed = call('failed', 11, 1, { kind: 'compaction', status: 'failed' });
  expect(branchesOf(first, second, failed, call('after', 11, 1))).toEqual({});
  expect(branchesOf(first, second, { ...failed, status: 'completed' }, call('after', 11, 1))).toEqual({});
});

it('of a call that sends only what is new nothing is claimed, nor of the one that sends all again', () => {
  const incremental = call('incremental', 1, 1, { isIncremental: true });
  expect(branchesOf(first, incremental, call('again', 11, 8), call('on', 13, 1))).toEqual({});
});
