// Of a session's threads, only the thread and the turn that were asked for: by id or its beginning, a thread also by its agent's
// name, a turn also by its number in the thread.
import type { Thread, Turn } from '../domain/index.ts';
import { TapesError } from '../errors.ts';

export interface NarrowTo {
  readonly thread?: string | undefined;
  /** An id, the beginning of one, `last`, or a number from 1. */
  readonly turn?: string | undefined;
}

/** The same shape, with nothing in it but what was asked for. Throws E_NOT_FOUND, E_AMBIGUOUS. */
export function narrowThreads(threads: readonly Thread[], { thread, turn }: NarrowTo): readonly Thread[] {
  const left = thread === undefined ? threads : [findThread(threads, thread)];
  if (turn === undefined) return left;
  const chosen = findTurn(left, turn);
  return left
    .filter(({ id }) => id === chosen.threadId)
    .map((one) => ({ ...one, turns: one.turns.filter(({ id }) => id === chosen.id) }));
}

function findThread(threads: readonly Thread[], given: string): Thread {
  const named = threads.filter(({ id, agentName }) => id === given || agentName === given);
  // Sub-agents of one name may come after each other.
  const [found] = expectOne('thread', given, named.length > 0 ? named : startingWith(threads, given), threads, nameOf);
  return found;
}

function findTurn(threads: readonly Thread[], given: string): Turn {
  // A number counts the turns of one thread: of the session's own, unless another was chosen.
  const [first] = threads;
  const own = (threads.find(({ parentThreadId }) => parentThreadId === null) ?? first)?.turns.filter(isTurn) ?? [];
  const all = threads.flatMap(({ turns }) => turns);
  if (/^[1-9]\d{0,3}$/.test(given) || given === 'last') {
    const turn = given === 'last' ? own.at(-1) : own[Number(given) - 1];
    if (turn !== undefined) return turn;
  }
  const exact = all.filter(({ id }) => id === given);
  const [found] = expectOne('turn', given, exact.length > 0 ? exact : startingWith(all, given), own, ({ id }) => id);
  return found;
}

/** Prewarms that no turn has followed are no turn. */
const isTurn = ({ id }: Turn): boolean => !id.endsWith('.next');

const nameOf = ({ id, agentName }: Thread): string => agentName ?? id;

const startingWith = <Part extends { readonly id: string }>(parts: readonly Part[], given: string): Part[] =>
  given === '' ? [] : parts.filter(({ id }) => id.startsWith(given));

function expectOne<Part extends { readonly id: string }>(
  kind: string,
  given: string,
  found: readonly Part[],
  choices: readonly Part[],
  say: (part: Part) => string,
): [Part] {
  const [one, another] = found;
  if (one === undefined) {
    const counted = choices.length === 1 ? `1 ${kind}` : `${choices.length} ${kind}s`;
    throw new TapesError('E_NOT_FOUND', `no ${kind} "${given}" in this session: it has ${counted}`, {
      ...(choices.length > 0 && { hint: `one of these: ${choices.slice(0, 5).map(say).join(', ')}` }),
    });
  }
  if (another === undefined) return [one];
  throw new TapesError('E_AMBIGUOUS', `more than one ${kind} of this session answers to "${given}"`, {
    hint: `type one of these: ${found
      .slice(0, 5)
      .map(({ id }) => id)
      .join(', ')}`,
  });
}
