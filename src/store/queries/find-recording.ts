// From what a person types (an id, the beginning of one, or `last`) to the one recorded thing that it names.
import { TapesError } from '../../errors.ts';
import type { Connection } from '../connection.ts';

export type RecordingKind = 'session' | 'thread' | 'turn' | 'call' | 'run';

export interface FoundRecording {
  readonly kind: RecordingKind;
  readonly id: string;
  /** Empty for a run, which may have many. */
  readonly sessionId: string;
}

const sources: Readonly<Record<RecordingKind, string>> = {
  session: 'SELECT id, id AS sessionId FROM sessions',
  thread: 'SELECT id, session_id AS sessionId FROM threads',
  turn: 'SELECT DISTINCT id, session_id AS sessionId FROM turns',
  call: 'SELECT id, session_id AS sessionId FROM calls',
  run: "SELECT id, '' AS sessionId FROM runs",
};

const newest: Readonly<Record<RecordingKind, string>> = {
  session: "SELECT id, id AS sessionId FROM sessions ORDER BY kind <> 'user', last_at DESC, rowid DESC LIMIT 1",
  thread: 'SELECT id, session_id AS sessionId FROM threads ORDER BY started_at DESC, rowid DESC LIMIT 1',
  turn: 'SELECT id, session_id AS sessionId FROM turns ORDER BY started_at DESC, rowid DESC LIMIT 1',
  call: "SELECT id, session_id AS sessionId FROM calls ORDER BY kind = 'title', started_at DESC, rowid DESC LIMIT 1",
  run: "SELECT id, '' AS sessionId FROM runs ORDER BY started_at DESC, rowid DESC LIMIT 1",
};

const shownCandidates = 5;

/**
 * Looks among `kinds`, in this order: a whole id before any prefix, then the first kind that has one match.
 * Throws E_NOT_FOUND, E_AMBIGUOUS.
 */
export async function findRecording(
  connection: Connection,
  given: string,
  kinds: readonly [RecordingKind, ...RecordingKind[]],
): Promise<FoundRecording> {
  const [first] = kinds;
  if (given === 'last') {
    const found = await connection.get<{ id: string; sessionId: string }>(newest[first]);
    if (found !== undefined) return { kind: first, ...found };
    throw new TapesError('E_NOT_FOUND', `no ${first} has been recorded yet`, { hint: 'tapes intercept -- codex' });
  }
  for (const kind of kinds) {
    const found = await connection.get<{ id: string; sessionId: string }>(`${sources[kind]} WHERE id = ?`, [given]);
    if (found !== undefined) return { kind, ...found };
  }
  for (const kind of given === '' ? [] : kinds) {
    const found = await connection.all<{ id: string; sessionId: string }>(
      `${sources[kind]} WHERE id >= ?1 AND id < ?1 || char(0x10ffff) ORDER BY id DESC LIMIT ${shownCandidates + 1}`,
      [given],
    );
    if (found.length === 1) return { kind, ...found[0]! };
    if (found.length > 1)
      throw ambiguous(
        given,
        kind,
        found.map(({ id }) => id),
      );
  }
  throw new TapesError(
    'E_NOT_FOUND',
    `no recorded ${kinds.join(', ').replace(/, (\w+)$/, ' or $1')} begins with "${given}"`,
    {
      hint: 'tapes sessions',
    },
  );
}

function ambiguous(given: string, kind: RecordingKind, ids: readonly string[]): TapesError {
  const shown = ids.slice(0, shownCandidates).join(', ');
  const more = ids.length > shownCandidates ? ' …' : '';
  return new TapesError('E_AMBIGUOUS', `more than one ${kind} begins with "${given}"`, {
    hint: `type more of one of these: ${shown}${more}`,
  });
}
