// A connection that is ready to use: the file is ours, its schema is this version's, its settings are set.
import { accessSync, constants, existsSync } from 'node:fs';
import { chmod, copyFile, mkdtemp, open, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { basename, dirname, join } from 'node:path';

import { TapesError } from '../errors.ts';
import { Connection, sqliteCode } from './connection.ts';
import type { OpenMode } from './connection.ts';
import { checkDatabaseFile, prepareDatabaseFile } from './database-file.ts';
import { foreignDatabase, migrate, readSchemaVersion, schemaVersion } from './migrate.ts';

/** For the one writer of a run: made if missing, migrated if old. Throws TapesError; SQLITE_BUSY and its like as they are. */
export async function openForWriting(file: string, busyTimeoutMs: number): Promise<Connection> {
  checkDatabaseFile(file);
  prepareDatabaseFile(file);
  return openFile(file, 'create', busyTimeoutMs, async (connection) => {
    const version = await readSchemaVersion(connection, file);
    // Incremental vacuum can only be chosen while the file is empty: it is what lets pruning give space back without a copy of all.
    if (version === 0) await connection.exec('PRAGMA auto_vacuum = INCREMENTAL; PRAGMA journal_mode = WAL');
    await migrate(connection, file);
    // WAL with NORMAL: a commit survives the death of this process; only a power cut can take the last ones.
    await connection.exec('PRAGMA synchronous = NORMAL; PRAGMA journal_size_limit = 16777216');
  });
}

/** For readers: nothing is written, also while a recorder is at work. Throws E_DB_MISSING, E_DB_NEWER, E_DB_UNREADABLE. */
export async function openForReading(file: string): Promise<Connection> {
  if (!existsSync(file)) throw missingDatabase(file);
  checkDatabaseFile(file);
  const { connection, version } = await openReader(file);
  if (version === schemaVersion) return connection;
  await connection.close();
  // Made, and nothing was ever put in it.
  if (version === 0) throw missingDatabase(file);
  // Written by an older tapes: it is brought up to date first.
  await (await openForWriting(file, 5000)).close();
  return (await openReader(file)).connection;
}

async function openReader(file: string): Promise<{ connection: Connection; version: number }> {
  try {
    return await openAs(file, 'read');
  } catch (error) {
    // A reader keeps an index beside the file, which it cannot make on a read-only disk. Without a log nothing is missing from the file itself.
    if (!isOnReadOnlyDisk(file) || existsSync(`${file}-wal`)) throw error;
    return openCopy(file);
  }
}

function isOnReadOnlyDisk(file: string): boolean {
  try {
    accessSync(dirname(file), constants.W_OK);
    return false;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EROFS';
  }
}

/** Where the header says how it is written and read; 1: without a log (https://www.sqlite.org/fileformat.html#file_format_version_numbers). */
const [versionsAt, withoutLog] = [18, Uint8Array.of(1, 1)];

/** SQLite does not look into a file that may have a log where it can make no file beside it: it is shown a copy, which goes when it is closed. */
async function openCopy(file: string): Promise<{ connection: Connection; version: number }> {
  const folder = await mkdtemp(join(tmpdir(), 'tapes-'));
  try {
    const copy = join(folder, basename(file));
    await copyFile(file, copy);
    await chmod(copy, 0o600);
    const handle = await open(copy, 'r+');
    try {
      await handle.write(withoutLog, 0, withoutLog.length, versionsAt);
    } finally {
      await handle.close();
    }
    return await openAs(copy, 'read');
  } finally {
    // What is open stays readable.
    await rm(folder, { recursive: true, force: true });
  }
}

async function openAs(file: string, mode: OpenMode): Promise<{ connection: Connection; version: number }> {
  let version = 0;
  const connection = await openFile(file, mode, 5000, async (opened) => {
    version = await readSchemaVersion(opened, file);
  });
  return { connection, version };
}

async function openFile(
  file: string,
  mode: OpenMode,
  busyTimeoutMs: number,
  prepare: (connection: Connection) => Promise<void>,
): Promise<Connection> {
  let connection: Connection | null = null;
  try {
    connection = await Connection.open(file, mode, busyTimeoutMs);
    await prepare(connection);
    return connection;
  } catch (error) {
    await connection?.close().catch(() => {});
    throw readFailure(file, error);
  }
}

function readFailure(file: string, error: unknown): unknown {
  switch (sqliteCode(error)) {
    case 'SQLITE_NOTADB':
    case 'SQLITE_CORRUPT':
      return foreignDatabase(file, 'is damaged and cannot be read', error);
    case 'SQLITE_CANTOPEN':
    case 'SQLITE_READONLY':
    case 'SQLITE_PERM':
    case 'SQLITE_AUTH':
      return foreignDatabase(file, 'cannot be opened', error);
    default:
      return error;
  }
}

function missingDatabase(file: string): TapesError {
  return new TapesError('E_DB_MISSING', `nothing has been recorded yet: there is no database at ${file}`, {
    hint: 'tapes intercept -- codex',
  });
}
