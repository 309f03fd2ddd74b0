// A thin layer over better-sqlite3: one connection, statements prepared once. SQLite works in the thread that asks, because handing each
// statement to another thread and back cost more than most statements take (docs/discoveries/throughput.md); methods settle later all the
// same, so that a long row of them leaves room for whatever else the thread does: messages, signals, a line of progress.
// Waiting for a lock happens in SQLite for a moment only; whoever calls may try again.
// SQLite is loaded with the first connection: whoever records has it in another thread, and needs none of it in its own.
import type Database from 'better-sqlite3';

export type SqlValue = string | number | null | Uint8Array;

export type OpenMode = 'read' | 'write' | 'create';

/**
 * One transaction at a time. Several connections in one process share it: one that waited inside SQLite for the
 * lock of another would keep the thread from ever letting go of it.
 */
export class TransactionTurns {
  #last: Promise<unknown> = Promise.resolve();

  take<T>(work: () => Promise<T>): Promise<T> {
    const result = this.#last.then(work);
    this.#last = result.catch(() => {});
    return result;
  }
}

interface Prepared {
  readonly statement: Database.Statement;
  /** Values in the form that its places need. */
  readonly bind: (values: readonly SqlValue[]) => readonly SqlValue[] | Readonly<Record<number, SqlValue>>;
}

/** After this long without a look at anything else, a connection lets the event loop turn. */
const breatheAfterMs = 20;
/** Statements that are kept prepared; there are about a hundred. */
const maxPrepared = 256;

export class Connection {
  readonly #database: Database.Database;
  readonly #statements = new Map<string, Prepared>();
  #turns = new TransactionTurns();
  #breathedAt = performance.now();
  #holdsLock = false;

  private constructor(database: Database.Database) {
    this.#database = database;
  }

  static async open(file: string, mode: OpenMode, busyTimeoutMs = 5000): Promise<Connection> {
    const { default: Library } = await import('better-sqlite3');
    const database = new Library(file, {
      readonly: mode === 'read',
      fileMustExist: mode !== 'create',
      timeout: busyTimeoutMs,
    });
    try {
      // Many may be open at once: the library's default is 16 MB for each.
      database.exec('PRAGMA foreign_keys = ON; PRAGMA cache_size = -2000');
    } catch (error) {
      database.close();
      throw error;
    }
    return new Connection(database);
  }

  /** Several statements, none with parameters. */
  async exec(sql: string): Promise<void> {
    await this.#breathe();
    this.#database.exec(sql);
  }

  /** A statement whose rows, if it has any, nobody wants. */
  async run(sql: string, values: readonly SqlValue[] = []): Promise<void> {
    await this.#breathe();
    const { statement, bind } = this.#prepare(sql);
    if (statement.reader) statement.all(bind(values));
    else statement.run(bind(values));
  }

  async get<Row>(sql: string, values: readonly SqlValue[] = []): Promise<Row | undefined> {
    await this.#breathe();
    const { statement, bind } = this.#prepare(sql);
    return statement.get(bind(values)) as Row | undefined;
  }

  async all<Row>(sql: string, values: readonly SqlValue[] = []): Promise<Row[]> {
    await this.#breathe();
    const { statement, bind } = this.#prepare(sql);
    return statement.all(bind(values)) as Row[];
  }

  /** All of `work` or nothing. The write lock is taken at the start, so that a busy database is met before anything is done. */
  transaction<T>(work: () => Promise<T>): Promise<T> {
    return this.#turns.take(() => this.#transact(work));
  }

  /** From now on it takes turns with all other connections that share these: its own lock is none of theirs to wait for. */
  share(turns: TransactionTurns): void {
    this.#turns = turns;
  }

  /** Reads that all see the same moment, whatever is written meanwhile. */
  async snapshot<T>(work: () => Promise<T>): Promise<T> {
    await this.run('BEGIN');
    try {
      return await work();
    } finally {
      // Nothing was written, so nothing can be lost, and a failure of `work` is what matters.
      await this.run('ROLLBACK').catch(() => {});
    }
  }

  async #transact<T>(work: () => Promise<T>): Promise<T> {
    await this.run('BEGIN IMMEDIATE');
    // Whoever else in this thread wants the lock would wait for it and keep us from giving it back.
    this.#holdsLock = true;
    try {
      const result = await work();
      await this.run('COMMIT');
      return result;
    } catch (error) {
      // Some failures (a full disk) have rolled back already: then this one fails, and the first failure is what matters.
      await this.run('ROLLBACK').catch(() => {});
      throw error;
    } finally {
      this.#holdsLock = false;
    }
  }

  async close(): Promise<void> {
    this.#statements.clear();
    this.#database.close();
  }

  #prepare(sql: string): Prepared {
    const known = this.#statements.get(sql);
    if (known !== undefined) return known;
    if (this.#statements.size === maxPrepared) this.#statements.clear();
    const prepared = { statement: this.#database.prepare(sql), bind: binderOf(sql) };
    this.#statements.set(sql, prepared);
    return prepared;
  }

  async #breathe(): Promise<void> {
    if (this.#holdsLock || performance.now() - this.#breathedAt < breatheAfterMs) return;
    await new Promise((resolve) => setImmediate(resolve));
    this.#breathedAt = performance.now();
  }
}

/** The library takes `?1` for a name. */
const binderOf = (sql: string): Prepared['bind'] =>
  /\?\d/.test(sql) ? (values) => Object.fromEntries(values.map((value, at) => [at + 1, value])) : (values) => values;

/** The SQLite result code of a failure ("SQLITE_BUSY", without what extends it), or null where it is not one. */
export function sqliteCode(error: unknown): string | null {
  if (!(error instanceof Error) || !('code' in error) || typeof error.code !== 'string') return null;
  return /^SQLITE_[A-Z]+/.exec(error.code)?.[0] ?? null;
}
