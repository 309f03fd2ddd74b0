// What a recorder is to whoever opens one: the same in the worker thread and in process.
import type { CallIdentity } from '../../agents/index.ts';
import type { ConnectionEvent, Pace, RawHeaders, Sink, Usage, WireEvent } from '../../domain/index.ts';
import type { TapesError } from '../../errors.ts';
import type { RunKind } from '../rows.ts';

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
  /** Default: a command under `tapes intercept`. */
  readonly kind?: RunKind;
  /** The run of the standing proxy that this session passes through. */
  readonly proxyRunId?: string;
}

/** What is known of a run's process only once it runs. */
export interface RunProcessFacts {
  readonly argv: readonly string[];
  readonly cwd: string;
}

export interface RunEnd {
  readonly exitCode: number | null;
  readonly signal: string | null;
  /** ms since the epoch. */
  readonly endedAt: number;
}

export interface ThreadOptions {
  readonly dbFile: string;
  readonly maskKey: Uint8Array;
  /** Credentials that are known before the agent starts. */
  readonly secrets: readonly string[];
  /** How much may wait to be recorded, of all runs together; above it, data is dropped and counted. From a quarter of it on it is behind. Default 64 MiB. */
  readonly queueLimitBytes?: number;
}

export interface RecorderOptions extends ThreadOptions {
  readonly run: RunStart;
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
  /** Also takes what is told of connections. */
  push(event: WireEvent | ConnectionEvent): void;
  /**
   * Settles soon and never rejects. An error: this database is refused (E_DB_NEWER, E_DB_UNREADABLE). Null: it is open, or it is
   * locked just now and will be tried again while events wait.
   */
  readonly ready: Promise<TapesError | null>;
  /** Masks these values from now on, wherever they turn up. */
  learnSecrets(values: readonly string[]): void;
  /** Says of the run what was not known when it began. */
  describeRun(facts: RunProcessFacts): void;
  endRun(end: RunEnd): void;
  /** What has been pushed and is not recorded yet. */
  readonly waitingEvents: number;
  /** Whoever closes will not wait any longer: what has not been recorded is dropped and counted. */
  dropWaiting(): void;
  /** Never rejects; all that could be recorded is on disk then. Settles within about ten seconds, and within a minute where much is waiting and gets on. */
  close(): Promise<RecorderReport>;
}

/** A recorder in a thread of its own. */
export interface PacedRecorder extends Recorder {
  readonly pace: Pace;
}

/** Records several runs at once, in one thread. */
export interface RecorderThread {
  /** Of all its runs together. */
  readonly pace: Pace;
  /** Begins a run. Never throws: what fails is in its `ready` and its report. */
  openRun(run: RunStart): Recorder;
  /** Masks these values in all runs from now on. */
  learnSecrets(values: readonly string[]): void;
  /** Why nothing more can be recorded by this thread (it crashed), or null. */
  readonly failure: string | null;
  /** Lets the thread end. What its runs had recorded is on disk once they are closed. */
  leave(): void;
}

/** How an agent's requests say whose they are. */
export type IdentityReader = (
  headers: RawHeaders,
  body: Readonly<Record<string, unknown>> | null,
  path: string,
) => CallIdentity;
