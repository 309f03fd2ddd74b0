// `tapes show`: a session, or only the thread, turn or call of it that was asked for.
import type { Call, Thread } from '../domain/index.ts';
import type { FoundRecording, Library, ListedSession, RecordedExchange } from '../store/index.ts';
import { withLibrary } from '../store/index.ts';
import type { PlaceOptions } from './home.ts';
import { findPlaces } from './home.ts';
import { readPrices } from './read-prices.ts';

export interface ShownRecording {
  readonly asked: FoundRecording;
  readonly session: ListedSession;
  readonly threads: readonly Thread[];
  /** Of a call that was asked for: what was said around its bodies. */
  readonly exchange: RecordedExchange | null;
  /** Short forms of turns' and calls' ids. */
  readonly shortIds: ReadonlyMap<string, string>;
}

/** `id`: of a session, thread, turn or call, or the beginning of one, or `last`. Throws E_NOT_FOUND, E_AMBIGUOUS, E_DB_…, E_PRICES_INVALID. */
export async function showRecording(places: PlaceOptions, id: string): Promise<ShownRecording> {
  const { dbFile, home } = findPlaces(places);
  const work = async (library: Library): Promise<ShownRecording> => {
    const asked = await library.find(id, ['session', 'thread', 'turn', 'call']);
    const { session, threads, shortIds } = await library.readSession(asked.sessionId);
    return { asked, session, threads: only(asked, threads), exchange: await readExchange(library, asked), shortIds };
  };
  return withLibrary(dbFile, work, await readPrices(home));
}

async function readExchange(library: Library, asked: FoundRecording): Promise<RecordedExchange | null> {
  return asked.kind === 'call' ? library.readExchangeOf(asked.id) : null;
}

/** The same shape, with nothing in it but what was asked for. */
function only(asked: FoundRecording, threads: readonly Thread[]): readonly Thread[] {
  switch (asked.kind) {
    case 'session':
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
