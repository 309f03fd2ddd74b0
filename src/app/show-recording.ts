// `tapes show`: a session, or only the thread, turn or call of it that was asked for.
import { readForkOrigin } from '../agents/index.ts';
import type { Call, Thread } from '../domain/index.ts';
import type { FoundRecording, Library, ListedSession, RecordedExchange } from '../store/index.ts';
import { withLibrary } from '../store/index.ts';
import { TapesError } from '../errors.ts';
import type { PlaceOptions } from './home.ts';
import { findPlaces } from './home.ts';
import type { NarrowTo } from './narrow-recording.ts';
import { narrowThreads } from './narrow-recording.ts';
import { readPrices } from './read-prices.ts';
import { readRequest } from './read-request.ts';

export interface ShownRecording {
  readonly asked: FoundRecording;
  readonly session: ListedSession;
  readonly threads: readonly Thread[];
  /** Of a call that was asked for: what was said around its bodies. */
  readonly exchange: RecordedExchange | null;
  /** Short forms of turns' and calls' ids. */
  readonly shortIds: ReadonlyMap<string, string>;
}

/**
 * `id`: of a session, thread, turn or call, or the beginning of one, or `last`; `to` chooses within a session or thread.
 * Throws E_NOT_FOUND, E_AMBIGUOUS, E_USAGE, E_DB_…, E_PRICES_INVALID.
 */
export async function showRecording(places: PlaceOptions, id: string, to: NarrowTo = {}): Promise<ShownRecording> {
  const { dbFile, home } = findPlaces(places);
  const work = async (library: Library): Promise<ShownRecording> => {
    const asked = await library.find(id, ['session', 'thread', 'turn', 'call']);
    const isNarrowed = to.thread !== undefined || to.turn !== undefined;
    if (isNarrowed && (asked.kind === 'turn' || asked.kind === 'call')) {
      throw new TapesError('E_USAGE', `--thread and --turn choose within a session, and ${id} is a ${asked.kind}`, {
        hint: `tapes show ${id}`,
      });
    }
    const { session, threads, shortIds } = await library.readSession(asked.sessionId);
    const shown = narrowThreads(only(asked, await tellFork(library, asked.sessionId, threads)), to);
    const [turn] = to.turn === undefined ? [] : (shown[0]?.turns ?? []);
    return {
      asked: turn === undefined ? asked : { ...asked, kind: 'turn', id: turn.id },
      session,
      threads: shown,
      exchange: await readExchange(library, asked),
      shortIds,
    };
  };
  return withLibrary(dbFile, work, await readPrices(home));
}

/** An agent says of a session what it was forked from, in each request of its own thread. A body that cannot be read says nothing. */
async function tellFork(library: Library, sessionId: string, threads: readonly Thread[]): Promise<readonly Thread[]> {
  const own = threads.find(({ id, parentThreadId }) => id === sessionId && parentThreadId === null);
  const first = own?.turns[0]?.calls[0];
  if (first === undefined) return threads;
  const body = await readRequest(library, first.id).catch(() => null);
  const origin = readForkOrigin(body?.reading.json ?? null);
  if (origin === null) return threads;
  return threads.map((thread) => (thread === own ? { ...thread, forkedFromThreadId: origin } : thread));
}

async function readExchange(library: Library, asked: FoundRecording): Promise<RecordedExchange | null> {
  return asked.kind === 'call' ? library.readExchangeOf(asked.id) : null;
}

/** The same shape, with nothing in it but what was asked for. */
function only(asked: FoundRecording, threads: readonly Thread[]): readonly Thread[] {
  switch (asked.kind) {
    case 'session':
    case 'run': // is not asked for here
      return threads;
    case 'thread':
      return threads.filter((thread) => thread.id === asked.id);
    case 'turn':
      return withTurns(threads, (turn) => turn.id === asked.id);
    case 'call': {
      const isAsked = (call: Call): boolean => call.id === asked.id;
      return withTurns(threads, (turn) => turn.calls.some(isAsked)).map((thread) => ({
        ...thread,
        turns: thread.turns.map((turn) => ({ ...turn, calls: turn.calls.filter(isAsked) })),
      }));
    }
  }
}

function withTurns(threads: readonly Thread[], isWanted: (turn: Thread['turns'][number]) => boolean): Thread[] {
  return threads
    .map((thread) => ({ ...thread, turns: thread.turns.filter(isWanted) }))
    .filter((thread) => thread.turns.length > 0);
}
