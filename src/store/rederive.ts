// Derives sessions, threads, turns and calls again from what is raw: exchanges, bodies, and what the clocks said. The recorder's own
// derivation runs over each run's calls in the order in which they passed, into tables beside those that are there; then these are
// brought in line, in one transaction.
import { identityReaderOf } from '../agents/index.ts';
import { readRequestBody, toItem } from '../derive/index.ts';
import { TapesError } from '../errors.ts';
import { AnswerStream } from './answer-stream.ts';
import type { BodyReader } from './body-reader.ts';
import { openBodyReader } from './body-reader.ts';
import type { Connection } from './connection.ts';
import { openForReading, openForWriting } from './open-database.ts';
import { readLiveRuns } from './queries/live-runs.ts';
import { CallDerivation } from './recorder/call-derivation.ts';
import type { CallEndFacts, DerivationContext } from './recorder/call-derivation.ts';
import { Conversations } from './recorder/conversations.ts';
import { recoverDeadRuns } from './recorder/recover.ts';
import { Titles } from './recorder/titles.ts';
import type { CallTimesRow, ExchangeRow, RunRow } from './rows.ts';
import { indexAnswer, indexSent } from './search-index.ts';
import type { DerivedTable } from './shadow-tables.ts';
import { ShadowTables } from './shadow-tables.ts';
import { headerColumns, readHeaders } from './header-parts.ts';
import type { HeadersOfExchange } from './header-parts.ts';
import { readStoredContext } from './stored-context.ts';

export interface RederiveReport {
  readonly calls: number;
  /** Rows that are other than they were. */
  readonly changed: Readonly<Record<DerivedTable, number>>;
  /** Calls whose bodies are damaged: their sessions were left as they are. */
  readonly left: readonly { readonly callId: string; readonly message: string }[];
}

export interface RederiveProgress {
  readonly done: number;
  readonly all: number;
}

const rememberBytes = 64 * 1024 * 1024;

/** Throws E_DB_MISSING, E_DB_NEWER, E_DB_UNREADABLE; E_DB_IN_USE while a run is recorded. */
export async function rederive(dbFile: string, tell: (progress: RederiveProgress) => void): Promise<RederiveReport> {
  // Nothing is made where nothing is.
  await (await openForReading(dbFile)).close();
  await withConnection(dbFile, recoverDeadRuns);
  // A connection of its own: its statements find the shadow tables.
  return withConnection(dbFile, async (connection) => {
    await refuseLiveRuns(connection);
    const shadow = await ShadowTables.create(connection);
    const pass = new Pass(connection, shadow, tell);
    await pass.run();
    const changed = await connection.transaction(async () => {
      await refuseLiveRuns(connection);
      return shadow.takeOver();
    });
    return { calls: pass.calls, changed, left: pass.left };
  });
}

async function withConnection<T>(dbFile: string, work: (connection: Connection) => Promise<T>): Promise<T> {
  const connection = await openForWriting(dbFile, 5000);
  try {
    return await work(connection);
  } finally {
    await connection.close();
  }
}

async function refuseLiveRuns(connection: Connection): Promise<void> {
  const [live] = await readLiveRuns(connection);
  if (live === undefined) return;
  throw new TapesError('E_DB_IN_USE', `run ${live} is being recorded into this database`, {
    hint: 'wait until it has ended; see it with: tapes runs',
  });
}

type Raw = CallTimesRow & HeadersOfExchange & Pick<ExchangeRow, 'kind' | 'path' | 'status'>;

class Pass {
  readonly #connection: Connection;
  readonly #shadow: ShadowTables;
  readonly #bodies: BodyReader;
  readonly #tell: (progress: RederiveProgress) => void;
  readonly left: { callId: string; message: string }[] = [];
  calls = 0;

  constructor(connection: Connection, shadow: ShadowTables, tell: (progress: RederiveProgress) => void) {
    this.#connection = connection;
    this.#shadow = shadow;
    this.#bodies = openBodyReader(connection, rememberBytes);
    this.#tell = tell;
  }

  async run(): Promise<void> {
    const { all } = (await this.#connection.get<{ all: number }>('SELECT count(*) AS "all" FROM call_times'))!;
    const runs = await this.#connection.all<RunRow>('SELECT * FROM runs ORDER BY started_at, rowid');
    // Of a standing proxy and its sessions they are shared, as they were when these were recorded.
    const titles = new Map<string, Titles>();
    for (const run of runs) {
      const key = run.proxy_run_id ?? run.id;
      const shared = titles.get(key) ?? new Titles();
      if (run.kind !== 'intercept') titles.set(key, shared);
      await this.#deriveRun(run, shared, all);
    }
  }

  async #deriveRun(run: RunRow, titles: Titles, all: number): Promise<void> {
    const context: DerivationContext = {
      run,
      conversations: new Conversations(run.id, (threadId) => readStoredContext(this.#connection, threadId)),
      titles,
      identify: identityReaderOf(run.agent),
      writer: this.#shadow,
    };
    const open = new Map<string, CallDerivation>();
    for (const { callId, isEnd } of await this.#eventsOf(run.id)) {
      try {
        const raw = await this.#readRaw(callId);
        if (!isEnd) open.set(callId, await this.#begin(context, raw));
        else await this.#end(open.get(callId), raw);
      } catch (error) {
        if (!(error instanceof TapesError)) throw error;
        this.left.push({ callId, message: error.message });
        await this.#shadow.leaveSessionOf(callId);
      }
      await this.#shadow.flush();
      if (!isEnd) continue;
      open.delete(callId);
      this.calls += 1;
      this.#tell({ done: this.calls, all });
    }
  }

  /** Each call's beginning and end, as they followed each other. What tapes did not see end comes last. */
  async #eventsOf(runId: string): Promise<{ callId: string; isEnd: boolean }[]> {
    const rows = await this.#connection.all<Pick<CallTimesRow, 'call_id' | 'request_order' | 'end_order'>>(
      `SELECT call_id, request_order, end_order FROM call_times
       JOIN exchanges ON exchanges.id = call_times.exchange_id WHERE run_id = ?`,
      [runId],
    );
    return rows
      .flatMap(({ call_id: callId, request_order: begun, end_order: ended }) => [
        { callId, isEnd: false, order: begun },
        // Of an older recording only times were known: an end never comes before its beginning.
        { callId, isEnd: true, order: ended === null ? Infinity : Math.max(ended, begun + 0.5) },
      ])
      .toSorted((a, b) => (a.order === b.order ? 0 : a.order - b.order));
  }

  async #readRaw(callId: string): Promise<Raw> {
    return (await this.#connection.get<Raw>(
      `SELECT call_times.*, exchanges.id, kind, path, status, ${headerColumns} FROM call_times
       JOIN exchanges ON exchanges.id = call_times.exchange_id WHERE call_id = ?`,
      [callId],
    ))!;
  }

  async #begin(context: DerivationContext, raw: Raw): Promise<CallDerivation> {
    const body = await this.#bodies.readWhole(raw.call_id, 'request');
    const { request: headers, response } = await readHeaders(this.#connection, raw);
    const call = await CallDerivation.begin(
      context,
      {
        callId: raw.call_id,
        exchangeId: raw.exchange_id,
        transport: raw.kind === 'websocket' ? 'websocket' : 'https',
        path: raw.path,
        headers,
        startedAt: raw.started_at,
        requestEndedMs: raw.request_ended_ms,
      },
      readRequestBody(new TextDecoder().decode(body ?? new Uint8Array(0))),
      raw.status === null || response === null ? null : { status: raw.status, headers: response },
    );
    for (const { sql, values } of indexSent(call.row, call.place.unseen)) this.#shadow.run(sql, values);
    return call;
  }

  /** Undefined: its beginning was left out. */
  async #end(call: CallDerivation | undefined, raw: Raw): Promise<void> {
    if (call === undefined) return;
    const stream = new AnswerStream();
    for await (const bytes of (await this.#bodies.read(raw.call_id, 'response')) ?? []) {
      if (raw.kind === 'websocket') stream.pushLines(bytes, 0);
      else stream.push(bytes, 0);
    }
    const answer = { ...stream.end(0), firstTokenMs: raw.first_token_ms };
    if (raw.end_order === null || raw.ended_at === null || raw.ended_ms === null) {
      call.interrupt(answer);
    } else {
      call.end({
        ...answer,
        ended: raw.ended as CallEndFacts['ended'],
        failure: raw.failure === null ? null : (JSON.parse(raw.failure) as CallEndFacts['failure']),
        endedMs: raw.ended_ms,
        endedAt: raw.ended_at,
      });
    }
    const output = (answer.answer?.items ?? []).map(({ json }) => toItem(json));
    for (const { sql, values } of indexAnswer(call.row, output)) this.#shadow.run(sql, values);
  }
}
