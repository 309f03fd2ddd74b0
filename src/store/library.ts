// What has been recorded, for reading. Nothing here writes, and a recorder may be at work meanwhile.
import type { Run } from '../domain/index.ts';
import type { BodySide } from './body-reader.ts';
import { openBodyReader } from './body-reader.ts';
import type { Connection } from './connection.ts';
import { openForReading } from './open-database.ts';
import type { FoundRecording, RecordingKind } from './queries/find-recording.ts';
import { findRecording } from './queries/find-recording.ts';
import type { RunFilter } from './queries/list-runs.ts';
import { listRuns } from './queries/list-runs.ts';
import type { ListedSession, SessionFilter } from './queries/list-sessions.ts';
import { listSessions } from './queries/list-sessions.ts';
import type { RecordedExchange } from './queries/read-exchange.ts';
import { readExchangeOf } from './queries/read-exchange.ts';
import type { RecordedSession } from './queries/read-session.ts';
import { readSession } from './queries/read-session.ts';
import type { VerifyProgress, VerifyReport } from './verify.ts';
import { verifyRecordings } from './verify.ts';

export interface Library {
  listRuns(filter: RunFilter): Promise<Run[]>;
  listSessions(filter: SessionFilter): Promise<ListedSession[]>;
  /** Throws E_NOT_FOUND, E_AMBIGUOUS. */
  find(id: string, kinds: readonly [RecordingKind, ...RecordingKind[]]): Promise<FoundRecording>;
  readSession(sessionId: string): Promise<RecordedSession>;
  readExchangeOf(callId: string): Promise<RecordedExchange | null>;
  /** Decoded and masked, in pieces; null where the body was not recorded. Throws E_BODY_DAMAGED. */
  readBody(callId: string, side: BodySide): Promise<AsyncIterable<Uint8Array> | null>;
  /** Rebuilds every body and checks every hash. */
  verify(tell: (progress: VerifyProgress) => void): Promise<VerifyReport>;
}

/** Opens a database for `work` and closes it again. Throws E_DB_MISSING, E_DB_NEWER, E_DB_UNREADABLE. */
export async function withLibrary<T>(dbFile: string, work: (library: Library) => Promise<T>): Promise<T> {
  const connection = await openForReading(dbFile);
  try {
    return await work(libraryOf(connection));
  } finally {
    await connection.close();
  }
}

function libraryOf(connection: Connection): Library {
  return {
    listRuns: (filter) => listRuns(connection, filter),
    listSessions: (filter) => connection.snapshot(() => listSessions(connection, filter)),
    find: (id, kinds) => findRecording(connection, id, kinds),
    readSession: (sessionId) => readSession(connection, sessionId),
    readExchangeOf: (callId) => readExchangeOf(connection, callId),
    readBody: (callId, side) => openBodyReader(connection).read(callId, side),
    verify: (tell) => verifyRecordings(connection, tell),
  };
}
