// Where the chain of a thread's calls branches: a call that no longer holds all of what the one before it sent. Told from what is kept
// of each call alone, so that it costs no look into bodies and holds for old recordings too.
import type { Call, CallBranch } from '../domain/index.ts';

/** A call as the chain knows it. */
export interface ChainedCall extends Pick<Call, 'id' | 'kind' | 'status' | 'inputItems' | 'newItems'> {
  /** It sends only what is new, on top of a response: how much of the conversation it holds is not said. */
  readonly isIncremental: boolean;
}

/** `calls`: of one thread, in the order in which they began. By the id of the call that begins a branch. */
export function findBranches(calls: readonly ChainedCall[]): Map<string, CallBranch> {
  const branches = new Map<string, CallBranch>();
  // The calls whose conversation the newest one goes on from, the newest last.
  let chain: ChainedCall[] = [];
  for (const call of calls) {
    const before = chain.at(-1);
    if (call.isIncremental || before?.isIncremental) {
      chain = [call];
      continue;
    }
    // Of an answer that came back these are some too many: it stands behind all that its own call had sent.
    const keptItems = call.inputItems - call.newItems;
    if (before !== undefined && keptItems < countConversation(before)) {
      const isCompacted = before.kind === 'compaction' && before.status === 'completed';
      chain = isCompacted ? [] : chain.filter((earlier) => countConversation(earlier) <= keptItems);
      branches.set(call.id, {
        reason: isCompacted ? 'compaction' : 'edit',
        fromCallId: (isCompacted ? before : chain.at(-1))?.id ?? null,
      });
    }
    chain.push(call);
  }
  return branches;
}

/** What asks for a compaction is the last item of its request, and no part of the conversation: where it failed, that goes on without. */
function countConversation({ kind, inputItems }: ChainedCall): number {
  return kind === 'compaction' ? inputItems - 1 : inputItems;
}
