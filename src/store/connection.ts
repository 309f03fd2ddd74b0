// A thin promise layer over sqlite3's callbacks: one connection, statements of writes prepared once.
// Waiting for a lock happens in SQLite for a moment only (it holds a thread of libuv's pool); whoever calls may try again.
// SQLite is loaded with the first connection: whoever records has it in another thread, and needs none of it in its own.
import { pathToFileURL } from 'node:url';

import type sqlite3 from 'sqlite3';

export type SqlValue = string | number | null | Uint8Array;

/** `immutable`: on a disk that nobody can write to. */
export type OpenMode = 'read' | 'write' | 'create' | 'immutable';

type OpenFlag = 'OPEN_READONLY' | 'OPEN_READWRITE' | 'OPEN_CREATE' | 'OPEN_URI';

const openFlags: Readonly<Record<OpenMode, readonly OpenFlag[]>> = {
  read: ['OPEN_READONLY'],
  write: ['OPEN_READWRITE'],
  create: ['OPEN_READWRITE', 'OPEN_CREATE'],
  immutable: ['OPEN_READONLY', 'OPEN_URI'],
};

type Done = (error: Error | null) => void;

/**
 * One transaction at a time. Several connections in one process share it: each that waits inside SQLite for a lock holds one of libuv's four
 * threads, and four of them would keep the one that has the lock from letting go of it.
 */
export class TransactionTurns {
  #last: Promise<unknown> = Promise.resolve();

  take<T>(work: () => Promise<T>): Promise<T> {
    const result = this.#last.then(work);
    this.#last = result.catch(() => {});
    return result;
  }
}

export class Connection {
  readonly #database: sqlite3.Database;
  readonly #statements = new Map<string, sqlite3.Statement>();
  #turns = new TransactionTurns();

  private constructor(database: sqlite3.Database) {
    this.#database = database;
  }

  static async open(file: string, mode: OpenMode, busyTimeoutMs = 5000): Promise<Connection> {
    const { default: library } = await import('sqlite3');
    const name = mode === 'immutable' ? `${pathToFileURL(file).href}?immutable=1` : file;
    const flags = openFlags[mode].reduce((all, flag) => all | library[flag], 0);
    const database = await new Promise<sqlite3.Database>((resolve, reject) => {
      const opened: sqlite3.Database = new library.Database(name, flags, (error) => {
        if (error === null) resolve(opened);
        else reject(error);
      });
    });
    database.configure('busyTimeout', busyTimeoutMs);
    const connection = new Connection(database);
    try {
      await connection.exec('PRAGMA foreign_keys = ON');
    } catch (error) {
      await connection.close();
      throw error;
    }
    return connection;
  }

  /** Several statements, none with parameters. */
  exec(sql: string): Promise<void> {
    return settle((done) => this.#database.exec(sql, done));
  }

  /** A write; its statement is prepared once and kept. */
  async run(sql: string, values: readonly SqlValue[] = []): Promise<void> {
    const statement = await this.#prepare(sql);
    await settle((done) => statement.run([...values], done));
  }

  get<Row>(sql: string, values: readonly SqlValue[] = []): Promise<Row | undefined> {
    return new Promise((resolve, reject) => {
      this.#database.get<Row | undefined>(sql, [...values], (error, row) =>
        error === null ? resolve(row) : reject(error),
      );
    });
  }

  all<Row>(sql: string, values: readonly SqlValue[] = []): Promise<Row[]> {
    return new Promise((resolve, reject) => {
      this.#database.all<Row>(sql, [...values], (error, rows) => (error === null ? resolve(rows) : reject(error)));
    });
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
    try {
      const result = await work();
      await this.run('COMMIT');
      return result;
    } catch (error) {
      // Some failures (a full disk) have rolled back already: then this one fails, and the first failure is what matters.
      await this.run('ROLLBACK').catch(() => {});
      throw error;
    }
  }

  async close(): Promise<void> {
    for (const statement of this.#statements.values()) await settle((done) => statement.finalize(() => done(null)));
    this.#statements.clear();
    await settle((done) => this.#database.close(done));
  }

  async #prepare(sql: string): Promise<sqlite3.Statement> {
    const known = this.#statements.get(sql);
    if (known !== undefined) return known;
    const statement = await new Promise<sqlite3.Statement>((resolve, reject) => {
      const prepared: sqlite3.Statement = this.#database.prepare(sql, (error) => {
        if (error === null) resolve(prepared);
        else reject(error);
      });
    });
    this.#statements.set(sql, statement);
    return statement;
  }
}

function settle(start: (done: Done) => void): Promise<void> {
  return new Promise((resolve, reject) => {
    start((error) => (error === null ? resolve() : reject(error)));
  });
}

/** The SQLite result code of a failure ("SQLITE_BUSY"), or null where it is not one. */
export function sqliteCode(error: unknown): string | null {
  if (!(error instanceof Error) || !('code' in error) || typeof error.code !== 'string') return null;
  return error.code.startsWith('SQLITE_') ? error.code : null;
}
