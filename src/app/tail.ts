// `tapes tail`: what agents do, as they do it, read from the database that recorders write to.
import { stat } from 'node:fs/promises';
import { setTimeout as delay } from 'node:timers/promises';

import { TapesError } from '../errors.ts';
import type { ActiveCall, Library } from '../store/index.ts';
import { withLibrary } from '../store/index.ts';
import type { PlaceOptions } from './home.ts';
import { findPlaces } from './home.ts';
import type { TailEvent } from './tail-events.ts';
import { TailMemory } from './tail-events.ts';

export interface TailOptions {
  /** Its id, the beginning of it, or `last`. */
  readonly session?: string | undefined;
  /** Also the agent's own background sessions. */
  readonly all: boolean;
  /** Ends it. */
  readonly signal: AbortSignal;
  readonly tell: (events: readonly TailEvent[]) => void;
  /** Talk: why nothing is told yet. */
  readonly say: (line: string) => void;
}

// A look at an unchanged database is one PRAGMA.
const lookEveryMs = 200;
const waitEveryMs = 500;
// A recorder that died writes nothing: what it left open is looked at all the same.
const looksBetweenChecks = 10;

/** Until `signal` is aborted. Throws E_AMBIGUOUS, E_DB_NEWER, E_DB_UNREADABLE. */
export async function tail(places: PlaceOptions, options: TailOptions): Promise<void> {
  const { dbFile } = findPlaces(places);
  const { signal, say } = options;
  let isFirst = true;
  while (!signal.aborted) {
    try {
      await withLibrary(dbFile, (library) => follow(library, dbFile, options, isFirst));
    } catch (error) {
      if (!(error instanceof TapesError) || error.code !== 'E_DB_MISSING') throw error;
      if (isFirst) say(`nothing has been recorded yet; waiting for ${dbFile}`);
      await wait(waitEveryMs, signal);
    }
    isFirst = false;
  }
}

/** Until the end, or until the database is another file. */
async function follow(library: Library, dbFile: string, options: TailOptions, isFirst: boolean): Promise<void> {
  const { signal, tell, say } = options;
  const isWanted = await chooseSession(library, options);
  const file = await identify(dbFile);
  const memory = new TailMemory(Date.now());
  // What was over when tail began is history; in a database that has come since, all is news.
  if (isFirst) memory.skipEnded(await library.listActivity(memory.asking));
  let mark: number | null = null;
  for (let looks = 0; !signal.aborted; looks += 1) {
    const now = await library.readChangeMark();
    const isDue = memory.hasOpenCalls && looks % looksBetweenChecks === 0;
    if (now !== mark || isDue) {
      const ids = memory.choose(await library.listActivity(memory.asking));
      const events = memory.tell(await library.readActiveCalls(ids), new Date().toISOString(), isWanted);
      if (events.length > 0) tell(events);
      else if (mark === null && isFirst) say('nothing is running; waiting for the next call');
      mark = now;
    }
    await wait(lookEveryMs, signal);
    if (looks % looksBetweenChecks === 0 && (await identify(dbFile)) !== file) return;
  }
}

async function chooseSession(library: Library, options: TailOptions): Promise<(call: ActiveCall) => boolean> {
  const { session, all, say } = options;
  if (session === undefined) return (call) => all || !call.isBackground;
  try {
    const { id } = await library.find(session, ['session']);
    return (call) => call.sessionId === id;
  } catch (error) {
    if (!(error instanceof TapesError) || error.code !== 'E_NOT_FOUND') throw error;
    if (session === 'last') return (call) => !call.isBackground;
    say(`no recorded session begins with "${session}" yet; waiting for one`);
    return (call) => call.sessionId.startsWith(session);
  }
}

const identify = (file: string): Promise<string | null> =>
  stat(file, { bigint: true }).then(
    ({ dev, ino }) => `${dev}:${ino}`,
    () => null,
  );

/** Ends early, and without an error, when `signal` is aborted. */
async function wait(ms: number, signal: AbortSignal): Promise<void> {
  await delay(ms, undefined, { signal }).catch((error: unknown) => {
    if (!signal.aborted) throw error;
  });
}
