// To which conversation a request belongs that says nothing of itself: told from the chain of its items alone.
import { countSharedItems } from '../../derive/index.ts';
import type { CallStatus, Item } from '../../domain/index.ts';

export interface KnownConversation {
  readonly threadId: string;
  /** Of its newest call. */
  readonly input: readonly Item[];
  readonly status: CallStatus;
}

/** The conversation that `input` goes on from, tries again or branches off; null where it begins one of its own. */
export function chooseConversation(input: readonly Item[], known: readonly KnownConversation[]): string | null {
  const opening = countOpening(input);
  let best: { readonly threadId: string; readonly shared: number } | null = null;
  for (const { threadId, input: before, status } of known) {
    const shared = countSharedItems(input, before);
    // Instructions alone are the same in many conversations.
    if (!input.slice(0, shared).some(isUserMessage)) continue;
    const goesOn = shared === before.length && input.length > shared;
    // The same words after a good answer are a new conversation that begins like the old one.
    const isRetry = shared === before.length && input.length === shared && status !== 'completed';
    const branches = shared >= opening && input.length > opening;
    // Of several that are as near, the newest.
    if ((goesOn || isRetry || branches) && shared >= (best?.shared ?? 0)) best = { threadId, shared };
  }
  return best?.threadId ?? null;
}

/** How many items stand before the first one that a model made. */
function countOpening(input: readonly Item[]): number {
  const first = input.findIndex(
    ({ type, role }) => role === 'assistant' || type === 'reasoning' || type.endsWith('_call'),
  );
  return first === -1 ? input.length : first;
}

const isUserMessage = ({ type, role }: Item): boolean => type === 'message' && role === 'user';
