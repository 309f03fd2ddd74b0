// What has been recorded, for reading. Nothing here writes, and a recorder may be at work meanwhile.
import { makePriceList } from '../derive/index.ts';
import type { PriceList } from '../derive/index.ts';
import type { Run } from '../domain/index.ts';
import type { BodySide } from './body-reader.ts';
import type { Connection } from './connection.ts';
import { openForReading } from './open-database.ts';
import type { ActiveCall, ActivityMark } from './queries/read-activity.ts';
import { listActivity, readActiveCalls, readChangeMark } from './queries/read-activity.ts';
import type { FoundRecording, RecordingKind } from './queries/find-recording.ts';
import { findRecording } from './queries/find-recording.ts';
import type { RunFilter } from './queries/list-runs.ts';
import { listRuns } from './queries/list-runs.ts';
import type { ListedSession, SessionFilter } from './queries/list-sessions.ts';
import { listSessions } from './queries/list-sessions.ts';
import type { BodyFacts } from './queries/read-body-facts.ts';
import { readBodyFacts } from './queries/read-body-facts.ts';
import type { RecordedExchange } from './queries/read-exchange.ts';
import { readExchangeOf } from './queries/read-exchange.ts';
import type { RecordedSession } from './queries/read-session.ts';
import { readSession } from './queries/read-session.ts';
import type { WireConnection, WireExchange, WireOrigin, WirePiece, WireScope } from './queries/read-wire.ts';
import { nameSessions, readStats } from './queries/read-stats.ts';
import type { RecordedStats, SessionName, StatsFilter } from './queries/read-stats.ts';
import type { VerifyProgress, VerifyReport } from './verify.ts';
import { verifyRecordings } from './large-works.ts';
import { searchEntries } from './queries/search-entries.ts';
import type { FoundEntry, SearchFilter } from './queries/search-entries.ts';

export interface Library {
  /** What costs are told by. */
  readonly prices: PriceList;
  listRuns(filter: RunFilter): Promise<Run[]>;
  listSessions(filter: SessionFilter): Promise<ListedSession[]>;
  /** Throws E_NOT_FOUND, E_AMBIGUOUS. */
  find(id: string, kinds: readonly [RecordingKind, ...RecordingKind[]]): Promise<FoundRecording>;
  readSession(sessionId: string): Promise<RecordedSession>;
  /** Throws E_BODY_DAMAGED. */
  readExchangeOf(callId: string): Promise<RecordedExchange | null>;
  readBodyFacts(callId: string, side: BodySide): Promise<BodyFacts | null>;
  /** `uneven`: the reader's days begin at a time of UTC that is no multiple of ten minutes. */
  readStats(filter: StatsFilter, uneven: boolean): Promise<RecordedStats>;
  nameSessions(ids: readonly string[]): Promise<ReadonlyMap<string, SessionName>>;
  /** The newest first. */
  search(filter: SearchFilter): Promise<FoundEntry[]>;
  /** Decoded and masked, in pieces; null where the body was not recorded. Throws E_BODY_DAMAGED. */
  readBody(callId: string, side: BodySide): Promise<AsyncIterable<Uint8Array> | null>;
  /** Exchanges as they passed, in the order in which they began. */
  readWire(scope: WireScope): AsyncIterable<WireExchange>;
  readWireConnections(scope: WireScope): AsyncIterable<WireConnection>;
  hasProviderSide(scope: WireScope): Promise<boolean>;
  /** Was it kept, for all of it, how long the secrets were that marks in heads stand for? */
  hasMarkLengths(scope: WireScope): Promise<boolean>;
  readWireOrigin(scope: WireScope): Promise<WireOrigin | null>;
  /** As `readBody`, with the times of its pieces where they were kept. */
  readWireBody(callId: string, side: BodySide): Promise<AsyncIterable<WirePiece> | null>;
  /** While it stays the same, nothing has been written. */
  readChangeMark(): Promise<number>;
  /** Calls since then, those that are named, and all that are streaming. */
  listActivity(of: { readonly since: string; readonly ids: readonly string[] }): Promise<ActivityMark[]>;
  readActiveCalls(ids: readonly string[]): Promise<ActiveCall[]>;
  /** Rebuilds every body and checks every hash. */
  verify(tell: (progress: VerifyProgress) => void): Promise<VerifyReport>;
}

/**
 * Opens a database for `work` and closes it again. `prices`: what costs are told by; the published ones where none are given.
 * Throws E_DB_MISSING, E_DB_NEWER, E_DB_UNREADABLE.
 */
export async function withLibrary<T>(
  dbFile: string,
  work: (library: Library) => Promise<T>,
  prices: PriceList = makePriceList(),
): Promise<T> {
  const connection = await openForReading(dbFile);
  try {
    return await work(libraryOf(connection, prices));
  } finally {
    await connection.close();
  }
}

function libraryOf(connection: Connection, prices: PriceList): Library {
  const { thresholds } = prices;
  return {
    prices,
    listRuns: (filter) => listRuns(connection, filter),
    listSessions: (filter) => connection.snapshot(() => listSessions(connection, filter, prices)),
    find: (id, kinds) => findRecording(connection, id, kinds),
    readSession: (sessionId) => readSession(connection, sessionId, prices),
    readExchangeOf: (callId) => connection.snapshot(() => readExchangeOf(connection, callId)),
    readBodyFacts: (callId, side) => readBodyFacts(connection, callId, side),
    readStats: (filter, uneven) => connection.snapshot(() => readStats(connection, filter, { uneven, thresholds })),
    nameSessions: (ids) => nameSessions(connection, ids),
    search: (filter) => connection.snapshot(() => searchEntries(connection, filter)),
    readBody: async (callId, side) => (await loadBodies()).openBodyReader(connection).read(callId, side),
    async *readWire(scope) {
      yield* (await loadWire()).readWire(connection, scope);
    },
    async *readWireConnections(scope) {
      yield* (await loadWire()).readWireConnections(connection, scope);
    },
    hasProviderSide: async (scope) => (await loadWire()).hasProviderSide(connection, scope),
    hasMarkLengths: async (scope) => (await loadWire()).hasMarkLengths(connection, scope),
    readWireOrigin: async (scope) => (await loadWire()).readWireOrigin(connection, scope),
    readWireBody: async (callId, side) => (await loadWire()).readWireBody(connection, callId, side),
    readChangeMark: () => readChangeMark(connection),
    listActivity: (of) => connection.snapshot(() => listActivity(connection, of)),
    readActiveCalls: (ids) => connection.snapshot(() => readActiveCalls(connection, ids)),
    verify: (tell) => verifyRecordings(connection, tell),
  };
}

// What unpacks bodies brings all decoders with it: most questions need none of them.
const loadBodies = () => import('./body-reader.ts');
const loadWire = () => import('./queries/read-wire.ts');
