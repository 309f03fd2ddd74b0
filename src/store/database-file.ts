// The database as a file: where it may be made, who may read it, and whether it is one of ours, told from its first 100 bytes
// (https://www.sqlite.org/fileformat.html#the_database_header), without loading SQLite and without touching it.
import { chmodSync, closeSync, existsSync, mkdirSync, openSync, readSync, statSync } from 'node:fs';
import { dirname } from 'node:path';

import { shellWord } from '../domain/index.ts';
import { TapesError } from '../errors.ts';
import { refuseSharedFolder } from './shared-folder.ts';
import { applicationId, foreignDatabase, newerDatabase, schemaVersion } from './migrate.ts';

const magic = 'SQLite format 3\0';

/**
 * Looks at a database before anything is started with it; a missing or empty file is fine.
 * Throws E_DB_NEWER, E_DB_UNREADABLE. Takes under a millisecond.
 */
export function checkDatabaseFile(file: string): void {
  const header = readHeader(file);
  if (header === null || header.length === 0) return;
  if (header.length < 100 || header.toString('latin1', 0, 16) !== magic) {
    throw foreignDatabase(file, 'is not an SQLite database');
  }
  const version = header.readInt32BE(60);
  const id = header.readInt32BE(68);
  // Zero: made, and its first step is still in the write-ahead log.
  if (id !== applicationId && id !== 0) throw foreignDatabase(file, 'is a database, but not one of tapes');
  if (id === applicationId && version > schemaVersion) throw newerDatabase(file, version);
}

/** The same before anything is recorded into it: also throws E_FOLDER_SHARED. A missing folder is fine. */
export function checkBeforeRecording(file: string): void {
  checkDatabaseFile(file);
  if (existsSync(dirname(file))) refuseSharedFolder(dirname(file));
}

/**
 * Makes the folder (0700) and an empty file (0600): SQLite gives its -wal and -shm files the mode of the database.
 * Throws E_DB_UNREADABLE, E_FOLDER_SHARED.
 */
export function prepareDatabaseFile(file: string): void {
  try {
    mkdirSync(dirname(file), { recursive: true, mode: 0o700 });
    refuseSharedFolder(dirname(file));
    closeSync(openSync(file, 'a', 0o600));
    if ((statSync(file).mode & 0o077) !== 0) chmodSync(file, 0o600);
  } catch (error) {
    if (error instanceof TapesError) throw error;
    const done = existsSync(file) ? 'written' : 'made';
    throw new TapesError('E_DB_UNREADABLE', `the database ${file} cannot be ${done}: ${reasonOf(error)}`, {
      hint: `name another database with --db FILE, or check this one: ls -ld ${shellWord(dirname(file))} ${shellWord(file)}`,
      cause: error,
    });
  }
}

function readHeader(file: string): Buffer | null {
  let descriptor: number;
  try {
    descriptor = openSync(file, 'r');
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return null;
    throw foreignDatabase(file, `cannot be read: ${reasonOf(error)}`, error);
  }
  try {
    const header = Buffer.alloc(100);
    return header.subarray(0, readSync(descriptor, header, 0, 100, 0));
  } catch (error) {
    throw foreignDatabase(file, `cannot be read: ${reasonOf(error)}`, error);
  } finally {
    closeSync(descriptor);
  }
}

const reasonOf = (error: unknown): string => (error instanceof Error ? error.message : String(error));
