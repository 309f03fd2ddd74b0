// The recorder itself, in the thread that it is opened in: wire events in, rows out. One event is handled at a time, in order;
// `push` only queues. Whatever fails is counted and told at the end, and never reaches whoever pushes.
import type { ConnectionEvent, WireEvent } from '../../domain/index.ts';
import { TapesError } from '../../errors.ts';
import { Vault } from '../../redact/index.ts';
import type { Connection, TransactionTurns } from '../connection.ts';
import { sqliteCode } from '../connection.ts';
import { findDamage } from './find-damage.ts';
import { openForWriting } from '../open-database.ts';
import type { RunRow } from '../rows.ts';
import { SharedHeaders } from '../header-parts.ts';
import { shortenIds } from '../short-id.ts';
import { readStoredContext } from '../stored-context.ts';
import { Connections } from './connections.ts';
import { Conversations } from './conversations.ts';
import { ExchangeRecording } from './exchange-recording.ts';
import { Inbox } from './inbox.ts';
import { Problems, sayDatabaseFailure } from './problems.ts';
import type { RecordingContext } from './recording-context.ts';
import type {
  IdentityReader,
  Recorder,
  RecorderOptions,
  RecorderReport,
  RunEnd,
  RunProcessFacts,
  RunStart,
} from './recorder-types.ts';
import { recoverDeadRuns } from './recover.ts';
import { RequestMemory } from './request-memory.ts';
import { RequestStorage } from './request-storage.ts';
import { runRowOf } from './run-row.ts';
import { Tally } from './tally.ts';
import { Titles } from './titles.ts';
import { Writer } from './writer.ts';

export interface RunRecorderOptions extends RecorderOptions {
  readonly identify: IdentityReader;
  /** Told after each event, handled or dropped. */
  readonly onHandled?: (event: RunRecorderEvent) => void;
  /** Shared by the runs of one thread: what is secret in one is secret in all. Default: one of its own. */
  readonly vault?: Vault;
  /** Shared by the runs of one thread. */
  readonly turns?: TransactionTurns;
  /** Shared by the runs of one standing proxy: the agent asks for titles apart from the session they are for. */
  readonly titles?: Titles;
  /** Shared by the runs of one thread. */
  readonly requestMemory?: RequestMemory;
  /** How long `close` may take without anything being written. Default 8 s. */
  readonly closeWithinMs?: number;
  /** How long it may take at most. Default 60 s. */
  readonly closeAtMostMs?: number;
  /** How long SQLite itself waits for a lock before the writer tries again later. Default 1 s. */
  readonly busyTimeoutMs?: number;
  /** How long a change may wait for others to be written with it. Default 100 ms. */
  readonly flushAfterMs?: number;
}

/** What the main side could not hand over: bytes of a body, or whole events. */
export interface DataLost {
  readonly type: 'dataLost';
  readonly exchangeId: string;
  readonly side: 'request' | 'response';
  readonly bytes: number;
}

export type RunRecorderEvent = WireEvent | ConnectionEvent | DataLost;

const retryOpenMs = 250;
const longestTurnMs = 25;
const endedMemory = 10_000;

const noTimeLeft = 'there was no time left to record what was waiting';

export class RunRecorder implements Recorder {
  readonly ready: Promise<TapesError | null>;
  readonly #options: RunRecorderOptions;
  #run: RunStart;
  readonly #vault: Vault;
  readonly #problems = new Problems();
  readonly #tally = new Tally();
  readonly #exchanges = new Map<string, ExchangeRecording>();
  readonly #ended = new Set<string>();
  readonly #inbox = new Inbox<RunRecorderEvent>();
  readonly #finished: Promise<void>;
  #context: RecordingContext | null = null;
  #wake: () => void = () => {};
  #closing = false;
  #closedAt = Infinity;
  #droppedAt = Infinity;
  #runEnd: RunEnd | null = null;
  #report: Promise<RecorderReport> | null = null;

  constructor(options: RunRecorderOptions) {
    this.#options = options;
    this.#vault = options.vault ?? new Vault(options.maskKey);
    this.#run = options.run;
    this.learnSecrets(options.secrets);
    let tell: (error: TapesError | null) => void = () => {};
    this.ready = new Promise((resolve) => {
      tell = resolve;
    });
    this.#finished = this.#work(tell);
  }

  push(event: RunRecorderEvent): void {
    this.#inbox.push(event);
    this.#wake();
  }

  learnSecrets(values: readonly string[]): void {
    for (const value of values) this.#vault.learn(value);
  }

  /** Rows that are on disk keep the folder that was known then. */
  describeRun({ argv, cwd }: RunProcessFacts): void {
    this.#run = { ...this.#run, argv, cwd };
    if (this.#context !== null) this.#putOpenRun(this.#context.writer);
  }

  endRun(end: RunEnd): void {
    this.#runEnd = end;
  }

  dropWaiting(): void {
    this.#droppedAt = performance.now();
  }

  /** `lost`: what the main side has dropped itself. */
  close(lost: { readonly events: number; readonly problem: string } | null = null): Promise<RecorderReport> {
    this.#report ??= this.#close(lost);
    return this.#report;
  }

  async #close(lost: { readonly events: number; readonly problem: string } | null): Promise<RecorderReport> {
    if (lost !== null) this.#problems.add(lost.problem, lost.events);
    this.#closedAt = performance.now();
    this.#closing = true;
    this.#wake();
    await this.#finished;
    const shortIds = await this.#end().catch((error: unknown) => {
      this.#problems.add(sayFailure(error), 0);
      return new Map<string, string>();
    });
    const { sessionIds, ...totals } = this.#tally.totals;
    return {
      ...totals,
      sessions: sessionIds.map((id) => ({ id, shortId: shortIds.get(id) ?? id.slice(0, 8) })),
      dropped: this.#problems.dropped,
      problems: this.#problems.list(),
    };
  }

  get waitingEvents(): number {
    return this.#inbox.length;
  }

  /** What gets on is waited for, within bounds: whoever closes waits for it, and a thread that takes longer is given up. */
  get #deadline(): number {
    const { closeWithinMs = 8_000, closeAtMostMs = 60_000 } = this.#options;
    const lastAt = Math.max(this.#closedAt, this.#context?.writer.writtenAt ?? -Infinity);
    return Math.min(lastAt + closeWithinMs, this.#closedAt + closeAtMostMs, this.#droppedAt);
  }

  async #work(tell: (error: TapesError | null) => void): Promise<void> {
    const opened = await this.#open(tell);
    tell(opened instanceof TapesError ? opened : null);
    if (opened instanceof TapesError) this.#problems.add(opened.message, 0);
    else await this.#begin(opened).catch((error: unknown) => this.#problems.add(sayFailure(error), 0));
    let turnBegan = performance.now();
    for (;;) {
      const event = this.#inbox.take();
      const now = performance.now();
      if (event === undefined) {
        if (this.#closing) return;
        await this.#wait();
        turnBegan = performance.now();
      } else if (now > this.#deadline) this.#giveUp(event);
      else {
        const going = this.#handle(event);
        if (going !== undefined) await going;
        if (now - turnBegan < longestTurnMs) continue;
        // What is due by the clock is written, however much waits.
        await new Promise((resolve) => setImmediate(resolve));
        turnBegan = performance.now();
      }
    }
  }

  #wait(): Promise<void> {
    return new Promise((resolve) => {
      this.#wake = resolve;
      if (this.#inbox.length > 0 || this.#closing) resolve();
    });
  }

  /** A database that is locked just now is waited for; one that is not ours is not. */
  async #open(tell: (error: null) => void): Promise<Connection | TapesError> {
    for (;;) {
      try {
        const open = (): Promise<Connection> =>
          openForWriting(this.#options.dbFile, this.#options.busyTimeoutMs ?? 1000);
        return await (this.#options.turns?.take(open) ?? open());
      } catch (error) {
        if (error instanceof TapesError) return error;
        // Whoever waits to start the agent is not held up by it.
        tell(null);
        if (sqliteCode(error) === null || performance.now() + retryOpenMs > this.#deadline) {
          return new TapesError('E_DB_UNREADABLE', sayFailure(error), { cause: error });
        }
        await new Promise((resolve) => setTimeout(resolve, retryOpenMs));
      }
    }
  }

  async #begin(connection: Connection): Promise<void> {
    const { identify, turns, titles = new Titles(), requestMemory = new RequestMemory(), flushAfterMs } = this.#options;
    const run = this.#run;
    if (turns !== undefined) connection.share(turns);
    // A standing proxy has one for each of its runs, for days; a recorder seldom reads, and what it needs again is in the system's cache.
    // The log is put back into the file when it is as long as it may stay: most of its pages are the same few hundred, again and again.
    await connection.exec('PRAGMA cache_size = -500; PRAGMA wal_autocheckpoint = 4000');
    const pace = flushAfterMs === undefined ? {} : { flushAfterMs };
    const writer = new Writer(connection, this.#problems, { ...pace, deadline: () => this.#deadline });
    let order = 0;
    const masked = (): RunStart => ({ ...this.#run, cwd: this.#vault.maskText(this.#run.cwd) });
    this.#context = {
      get run() {
        return masked();
      },
      vault: this.#vault,
      connection,
      writer,
      requests: new RequestStorage(writer),
      requestMemory,
      headers: new SharedHeaders(),
      connections: new Connections(run.id, writer),
      conversations: new Conversations(run.id, (threadId) => readStoredContext(connection, threadId)),
      titles,
      tally: this.#tally,
      identify,
      nextOrder: () => ++order,
    };
    this.#putOpenRun(writer);
    await writer.flush();
    await recoverDeadRuns(connection).catch((error: unknown) => {
      this.#problems.add(`what an earlier run left open could not be finished: ${sayFailure(error)}`, 0);
    });
  }

  #giveUp(event: RunRecorderEvent): void {
    this.#problems.add(noTimeLeft, 1);
    this.#options.onHandled?.(event);
  }

  /** Undefined: it is done. Data, which is most of what comes, waits for nothing where there is room. */
  #handle(event: RunRecorderEvent): Promise<void> | undefined {
    const context = this.#context;
    const isData = event.type === 'responseData' || event.type === 'requestData';
    if (!isData || context === null || !context.writer.hasRoom) return this.#handleSlowly(context, event);
    try {
      context.writer.countEvent();
      const going = this.#exchangeOf(event.exchangeId)?.handle(event);
      if (going instanceof Promise) return this.#settle(going, event);
    } catch (error) {
      this.#problems.add(sayFailure(error), 1);
    }
    this.#options.onHandled?.(event);
    return undefined;
  }

  async #handleSlowly(context: RecordingContext | null, event: RunRecorderEvent): Promise<void> {
    if (context === null) {
      this.#problems.add('the database could not be opened', 1);
      this.#options.onHandled?.(event);
      return;
    }
    await context.writer.room();
    context.writer.countEvent();
    await this.#settle(this.#dispatch(context, event), event);
  }

  async #settle(going: Promise<unknown>, event: RunRecorderEvent): Promise<void> {
    try {
      await going;
    } catch (error) {
      this.#problems.add(sayFailure(error), 1);
    }
    this.#options.onHandled?.(event);
  }

  /** Undefined: it is over. */
  #exchangeOf(exchangeId: string): ExchangeRecording | undefined {
    const exchange = this.#exchanges.get(exchangeId);
    // An event behind the end of its exchange says nothing new; without a beginning nothing can be made of it.
    if (exchange === undefined && !this.#ended.has(exchangeId)) {
      throw new Error('an exchange whose beginning was not recorded');
    }
    return exchange;
  }

  async #dispatch(context: RecordingContext, event: RunRecorderEvent): Promise<void> {
    switch (event.type) {
      case 'tunnelOpened':
      case 'tunnelClosed':
      case 'tlsFailed':
        return;
      case 'connectionOpened':
      case 'connectionEnded':
        context.connections.tell(event);
        return;
      case 'requestStarted':
      case 'upgradeRefused':
      case 'socketOpened': {
        const exchange = ExchangeRecording.begin(context, event);
        if (event.type !== 'upgradeRefused') this.#exchanges.set(event.exchangeId, exchange);
        return;
      }
      case 'dataLost':
        this.#exchanges.get(event.exchangeId)?.loseBytes(event.side, event.bytes);
        return;
      case 'requestData':
      case 'requestEnded':
      case 'responseStarted':
      case 'responseData':
      case 'responseEnded':
      case 'exchangeAborted':
      case 'socketMessage':
      case 'socketMissed':
      case 'socketClosed': {
        const exchange = this.#exchangeOf(event.exchangeId);
        if (exchange === undefined) return;
        if (event.type === 'socketMissed') this.#problems.add(`part of a WebSocket was not recorded: ${event.why}`, 1);
        if (await exchange.handle(event)) this.#forget(event.exchangeId);
        return;
      }
      default:
        event satisfies never;
    }
  }

  #forget(exchangeId: string): void {
    this.#exchanges.delete(exchangeId);
    this.#ended.add(exchangeId);
    const [oldest] = this.#ended;
    if (this.#ended.size > endedMemory && oldest !== undefined) this.#ended.delete(oldest);
  }

  async #end(): Promise<Map<string, string>> {
    const context = this.#context;
    if (context === null) return new Map();
    const { connection, writer } = context;
    // Whoever runs us has closed the proxy; what is still open then was cut off by us.
    const now = { at: Date.now(), mono: performance.now() };
    let left = this.#exchanges.size;
    for (const exchangeId of this.#exchanges.keys()) {
      if (performance.now() > this.#deadline) break;
      await this.#handle({ type: 'exchangeAborted', exchangeId, by: 'tapes', error: null, ...now });
      left -= 1;
    }
    // Thousands of them take longer than there is time: what is left is finished by the next run, as what a crash leaves.
    if (left > 0) {
      this.#problems.add(noTimeLeft, left);
      this.#putOpenRun(writer);
    } else writer.put('runs', this.#runRow());
    await writer.close();
    const shortIds = await shortenIds(connection, 'session', this.#tally.totals.sessionIds);
    await connection.exec('PRAGMA wal_checkpoint(PASSIVE)');
    await connection.close();
    await this.#readBack();
    return shortIds;
  }

  async #readBack(): Promise<void> {
    const { calls, backgroundCalls, exchanges } = this.#tally.totals;
    if (calls + backgroundCalls === 0 || performance.now() > this.#deadline) return;
    const damage = await findDamage(this.#options.dbFile, this.#run.id);
    if (damage !== null) this.#problems.add(sayDatabaseFailure(damage, ''), exchanges);
  }

  /** Going on until its last row is written, even where the command has ended before the first: what is live is not pruned. */
  #putOpenRun(writer: Writer): void {
    writer.put('runs', { ...this.#runRow(), ended_at: null, exit_code: null, signal: null });
  }

  #runRow(): RunRow {
    return runRowOf(this.#run, this.#runEnd, this.#problems, this.#vault);
  }
}

function sayFailure(error: unknown): string {
  const code = sqliteCode(error);
  const message = error instanceof Error ? error.message : String(error);
  return code === null ? `the recorder failed (${message})` : sayDatabaseFailure(code, message);
}
