// The one writer: what changed is collected and written in one transaction, at most `flushAfterMs` after the first change, and at once
// where that is asked for.
// A write that fails is kept and tried again, so a lock or a full disk that passes costs nothing; what cannot be written even at
// the end is dropped and counted. Rows are written whole, so trying again is safe.
import type { Connection, SqlValue } from '../connection.ts';
import { sqliteCode } from '../connection.ts';
import type { RowOf, TableName } from '../rows.ts';
import { batchKeyOf, tables, upsertOf } from '../rows.ts';
import type { Problems } from './problems.ts';
import { sayDatabaseFailure } from './problems.ts';

interface Write {
  readonly sql: string;
  readonly values: readonly SqlValue[];
}

interface PendingChunks {
  readonly callId: string;
  readonly atMs: number;
  readonly parts: Uint8Array[];
}

interface Batch {
  readonly rows: Record<TableName, Map<string, RowOf<TableName>>>;
  /** Written after the rows. */
  readonly statements: Write[];
  readonly chunks: Map<string, PendingChunks>;
  bytes: number;
  events: number;
}

export interface WriterOptions {
  readonly flushAfterMs?: number;
  readonly retryAfterMs?: number;
  /** Above this many bytes waiting, `room` is not given. */
  readonly limitBytes?: number;
  /** After this (by performance.now()) a write that fails is not tried again. */
  readonly deadline?: () => number;
}

/** What is in a hurry waits this long for more of its kind, where something was written just before. */
const hurriedEveryMs = 20;
/** What a chunk takes beside its bytes: one of a single byte takes this much. */
const partOverheadBytes = 128;

const tableNames = Object.keys(tables) as TableName[];

/** Failures that may pass: the batch is kept. Any other failure is that of one row, except a corrupt file, which is the end. */
const passing = new Set([
  'SQLITE_BUSY',
  'SQLITE_LOCKED',
  'SQLITE_FULL',
  'SQLITE_IOERR',
  'SQLITE_READONLY',
  'SQLITE_CANTOPEN',
  'SQLITE_NOMEM',
  'SQLITE_PROTOCOL',
]);
const final = new Set(['SQLITE_CORRUPT', 'SQLITE_NOTADB', 'SQLITE_MISUSE']);

type WritableConnection = Pick<Connection, 'run' | 'transaction'>;

export class Writer {
  readonly #connection: WritableConnection;
  readonly #problems: Problems;
  readonly #flushAfterMs: number;
  readonly #retryAfterMs: number;
  readonly #limitBytes: number;
  readonly #deadline: () => number;
  /** How many chunk rows each open call has on disk. */
  readonly #chunksOnDisk = new Map<string, number>();
  #batch: Batch = emptyBatch();
  #timer: NodeJS.Timeout | null = null;
  #soon: NodeJS.Timeout | null = null;
  #flushedAt = -Infinity;
  #writtenAt = -Infinity;
  /** A batch became due while another was being written. */
  #isDue = false;
  #flushing: Promise<boolean> | null = null;
  #waiting: (() => void)[] = [];
  #merged = 0;
  #failure: string | null = null;
  #dead = false;

  constructor(connection: WritableConnection, problems: Problems, options: WriterOptions = {}) {
    this.#connection = connection;
    this.#problems = problems;
    this.#flushAfterMs = options.flushAfterMs ?? 100;
    this.#retryAfterMs = options.retryAfterMs ?? 250;
    this.#limitBytes = options.limitBytes ?? 8 * 1024 * 1024;
    this.#deadline = options.deadline ?? ((): number => Infinity);
  }

  /** When something was last written, by performance.now(). */
  get writtenAt(): number {
    return this.#writtenAt;
  }

  /** Counts an event whose effects are in what is put next: they are lost together. */
  countEvent(): void {
    this.#batch.events++;
  }

  /** What `row` holds is read when it is written: it must not change meanwhile. */
  put<Table extends TableName>(table: Table, row: RowOf<Table>): void {
    const key = batchKeyOf(table, row) ?? `merged ${this.#merged++}`;
    const rows = this.#batch.rows[table];
    const before = rows.get(key);
    this.#batch.bytes += sizeOfRow(row) - (before === undefined ? 0 : sizeOfRow(before));
    rows.set(key, row);
    this.#schedule(this.#flushAfterMs);
  }

  /** A statement of its own, written after the rows. */
  run(sql: string, values: readonly SqlValue[]): void {
    const write: Write = { sql, values };
    this.#batch.statements.push(write);
    this.#batch.bytes += sizeOf(values);
    this.#schedule(this.#flushAfterMs);
  }

  appendChunk(callId: string, atMs: number, data: Uint8Array): void {
    const pending = this.#batch.chunks.get(callId);
    if (pending === undefined) this.#batch.chunks.set(callId, { callId, atMs, parts: [data] });
    else pending.parts.push(data);
    this.#batch.bytes += data.length + partOverheadBytes;
    this.#schedule(this.#flushAfterMs);
  }

  /**
   * What has been put is written once this turn of the event loop is over. Many that come one after another share a transaction, for each
   * writes some 40 pages, however little is in it. A database that does not take anything just now is not asked more often for it.
   */
  hurry(): void {
    if (this.#flushing !== null) this.#isDue = true;
    else if (this.#failure === null) {
      const waitMs = this.#flushedAt + hurriedEveryMs - performance.now();
      this.#soon ??= setTimeout(() => void this.flush(), Math.max(0, waitMs));
    }
  }

  /** Takes back what of a call's chunks is not on disk yet, and says how many rows are. Chunks come in order: disk first. */
  async takeChunks(callId: string): Promise<{ rowsOnDisk: number; pending: readonly Uint8Array[] }> {
    // A flush may begin right behind another, with more of them in it.
    while (this.#flushing !== null) await this.#flushing;
    const pending = this.#batch.chunks.get(callId)?.parts ?? [];
    this.#batch.chunks.delete(callId);
    this.#batch.bytes -= lengthOf(pending) + pending.length * partOverheadBytes;
    const rowsOnDisk = this.#chunksOnDisk.get(callId) ?? 0;
    this.#chunksOnDisk.delete(callId);
    return { rowsOnDisk, pending };
  }

  get hasRoom(): boolean {
    return this.#batch.bytes <= this.#limitBytes || this.#dead;
  }

  /** Settles when there is room for more: this is what bounds memory while the disk does not follow. */
  async room(): Promise<void> {
    while (!this.hasRoom) {
      this.#schedule(0);
      await new Promise<void>((resolve) => this.#waiting.push(resolve));
    }
  }

  /** Writes what is waiting. False: it could not be written and is kept. */
  flush(): Promise<boolean> {
    this.#flushing ??= this.#flushOnce();
    return this.#flushing;
  }

  async #flushOnce(): Promise<boolean> {
    let isWritten = false;
    try {
      isWritten = await this.#flush();
      return isWritten;
    } finally {
      this.#flushing = null;
      const isDue = this.#isDue;
      this.#isDue = false;
      // What could not be written has a timer of its own.
      if (isDue && isWritten && !isEmpty(this.#batch)) this.hurry();
    }
  }

  /** Writes what is waiting, trying until the deadline; then it is dropped and counted. */
  async close(): Promise<void> {
    while (this.#flushing !== null || !isEmpty(this.#batch)) {
      if (await this.flush()) continue;
      await new Promise((resolve) => setTimeout(resolve, this.#retryAfterMs));
    }
    this.#cancelTimer();
  }

  #schedule(afterMs: number): void {
    if (this.#dead) this.#drop();
    else if (afterMs === 0) void this.flush();
    else this.#startTimer(afterMs);
  }

  #startTimer(afterMs: number): void {
    this.#timer ??= setTimeout(() => {
      this.#timer = null;
      // A write that takes longer than this holds only what came before it: what has come since is written right after.
      if (this.#flushing !== null) this.#isDue = true;
      else void this.flush();
    }, afterMs);
  }

  async #flush(): Promise<boolean> {
    this.#cancelTimer();
    const batch = this.#batch;
    if (isEmpty(batch)) return true;
    this.#batch = emptyBatch();
    this.#flushedAt = performance.now();
    let isWritten = false;
    try {
      const chunkRows = await this.#connection.transaction(() => this.#write(batch));
      for (const [callId, count] of chunkRows) this.#chunksOnDisk.set(callId, count);
      this.#failure = null;
      isWritten = true;
    } catch (error) {
      const code = sqliteCode(error);
      this.#failure = sayDatabaseFailure(code, messageOf(error));
      this.#batch = joinBatches(batch, this.#batch);
      if (code !== null && final.has(code)) this.#die();
      else if (code !== null && passing.has(code)) this.#retryLater();
      else isWritten = await this.#writeOneByOne();
    }
    if (isWritten) this.#writtenAt = performance.now();
    for (const resolve of this.#waiting.splice(0)) resolve();
    return isWritten;
  }

  async #write(batch: Batch): Promise<Map<string, number>> {
    for (const table of tableNames) {
      for (const row of batch.rows[table].values()) {
        const { sql, values } = upsertOf(table, row);
        await this.#connection.run(sql, values);
      }
    }
    const chunkRows = new Map<string, number>();
    for (const { callId, atMs, parts } of batch.chunks.values()) {
      const seq = this.#chunksOnDisk.get(callId) ?? 0;
      await this.#connection.run('INSERT INTO response_chunks (call_id, seq, at_ms, data) VALUES (?, ?, ?, ?)', [
        callId,
        seq,
        atMs,
        parts.length === 1 ? parts[0]! : Buffer.concat(parts),
      ]);
      chunkRows.set(callId, seq + 1);
    }
    for (const write of batch.statements) await this.#connection.run(write.sql, write.values);
    return chunkRows;
  }

  /**
   * One row that cannot be written must not take the others with it. Behind one that must wait all others wait too: what refers to it
   * would be refused.
   */
  async #writeOneByOne(): Promise<boolean> {
    const batch = this.#batch;
    this.#batch = emptyBatch();
    let kept = emptyBatch();
    const single: Batch[] = [];
    for (const table of tableNames) {
      for (const [key, row] of batch.rows[table]) {
        const one = emptyBatch();
        one.rows[table].set(key, row);
        single.push(one);
      }
    }
    for (const [callId, chunks] of batch.chunks) single.push({ ...emptyBatch(), chunks: new Map([[callId, chunks]]) });
    for (const write of batch.statements) single.push({ ...emptyBatch(), statements: [write] });
    let mustWait = false;
    for (const one of single) {
      if (mustWait) {
        kept = joinBatches(kept, one);
        continue;
      }
      try {
        const chunkRows = await this.#connection.transaction(() => this.#write(one));
        for (const [callId, count] of chunkRows) this.#chunksOnDisk.set(callId, count);
      } catch (error) {
        const code = sqliteCode(error);
        mustWait = code !== null && passing.has(code);
        if (mustWait) kept = joinBatches(kept, one);
        else this.#problems.add(sayDatabaseFailure(code, messageOf(error)), 1);
      }
    }
    if (isEmpty(kept)) {
      this.#failure = null;
      return true;
    }
    this.#batch = joinBatches({ ...kept, bytes: batch.bytes, events: batch.events }, this.#batch);
    this.#retryLater();
    return false;
  }

  #retryLater(): void {
    if (performance.now() > this.#deadline()) this.#die();
    else this.#startTimer(this.#retryAfterMs);
  }

  #die(): void {
    this.#dead = true;
    this.#drop();
  }

  #cancelTimer(): void {
    if (this.#timer !== null) clearTimeout(this.#timer);
    if (this.#soon !== null) clearTimeout(this.#soon);
    this.#timer = null;
    this.#soon = null;
  }

  #drop(): void {
    this.#cancelTimer();
    const lost = this.#batch;
    this.#batch = emptyBatch();
    if (!isEmpty(lost)) this.#problems.add(this.#failure ?? 'the database failed', lost.events);
  }
}

const messageOf = (error: unknown): string => (error instanceof Error ? error.message : String(error));

function emptyBatch(): Batch {
  return {
    rows: Object.fromEntries(tableNames.map((table) => [table, new Map()])) as Batch['rows'],
    statements: [],
    chunks: new Map(),
    bytes: 0,
    events: 0,
  };
}

function isEmpty(batch: Batch): boolean {
  return (
    batch.statements.length === 0 &&
    batch.chunks.size === 0 &&
    tableNames.every((table) => batch.rows[table].size === 0)
  );
}

/** What failed, and what came since: a newer row takes an older one's place, chunks follow each other. */
function joinBatches(older: Batch, newer: Batch): Batch {
  const chunks = new Map(older.chunks);
  for (const [callId, pending] of newer.chunks) {
    const before = chunks.get(callId);
    chunks.set(callId, before === undefined ? pending : { ...before, parts: [...before.parts, ...pending.parts] });
  }
  return {
    rows: Object.fromEntries(
      tableNames.map((table) => [table, new Map([...older.rows[table], ...newer.rows[table]])]),
    ) as Batch['rows'],
    statements: [...older.statements, ...newer.statements],
    chunks,
    bytes: older.bytes + newer.bytes,
    events: older.events + newer.events,
  };
}

function sizeOf(values: readonly SqlValue[]): number {
  let size = 0;
  for (const value of values) size += typeof value === 'string' || value instanceof Uint8Array ? value.length : 8;
  return size;
}

const sizeOfRow = (row: RowOf<TableName>): number => sizeOf(Object.values(row) as SqlValue[]);

function lengthOf(parts: readonly Uint8Array[]): number {
  let length = 0;
  for (const part of parts) length += part.length;
  return length;
}
