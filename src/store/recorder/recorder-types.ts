// What a recorder is to whoever opens one: the same in the worker thread and in process.
import type { CallIdentity } from '../../agents/index.ts';
import type { RawHeaders, Sink, Usage } from '../../domain/index.ts';
import type { TapesError } from '../../errors.ts';

export interface RunStart {
  readonly id: string;
  readonly agent: string | null;
  readonly argv: readonly string[];
  readonly cwd: string;
  readonly label: string | null;
  readonly pid: number;
  /** Of tapes. */
  readonly version: string;
  /** ms since the epoch. */
  readonly startedAt: number;
}

export interface RunEnd {
  readonly exitCode: number | null;
  readonly signal: string | null;
  /** ms since the epoch. */
  readonly endedAt: number;
}

export interface RecorderOptions {
  readonly dbFile: string;
  readonly run: RunStart;
  readonly maskKey: Uint8Array;
  /** Credentials that are known before the agent starts. */
  readonly secrets: readonly string[];
  /** How much may wait to be recorded; above it, data is dropped and counted. Default 64 MiB. */
  readonly queueLimitBytes?: number;
}

export interface RecorderReport {
  /** Calls and turns of the user's sessions; the agent's background requests (titles) are counted apart. */
  readonly calls: number;
  readonly turns: number;
  readonly backgroundCalls: number;
  /** The user's sessions, the newest last. */
  readonly sessions: readonly { readonly id: string; readonly shortId: string }[];
  readonly usage: Usage;
  readonly exchanges: number;
  /** Wire events that are not in the database. */
  readonly dropped: number;
  /** One sentence each: "the database is locked: 12 events lost". */
  readonly problems: readonly string[];
}

export interface Recorder extends Sink<RecorderReport> {
  /**
   * Settles soon and never rejects. An error: this database is refused (E_DB_NEWER, E_DB_UNREADABLE). Null: it is open, or it is
   * locked just now and will be tried again while events wait.
   */
  readonly ready: Promise<TapesError | null>;
  /** Masks these values from now on, wherever they turn up. */
  learnSecrets(values: readonly string[]): void;
  endRun(end: RunEnd): void;
  /** Settles within about ten seconds and never rejects; all that could be recorded is on disk then. */
  close(): Promise<RecorderReport>;
}

/** How an agent's requests say whose they are. */
export type IdentityReader = (
  headers: RawHeaders,
  body: Readonly<Record<string, unknown>> | null,
  path: string,
) => CallIdentity;
