// Brings a database up to this version's schema: named steps, forward only, each in a transaction of its own.
// PRAGMA user_version counts the steps; application_id says that the file is ours.
import { TapesError } from '../errors.ts';
import type { Connection } from './connection.ts';
import { migrations } from './migrations/index.ts';
import type { Migration } from './migrations/index.ts';

/** "tape" in ASCII. */
export const applicationId = 0x74617065;

export const schemaVersion = migrations.length;

export function newerDatabase(file: string, version: number): TapesError {
  return new TapesError(
    'E_DB_NEWER',
    `the database ${file} was written by a newer tapes (schema ${version}, this one knows ${schemaVersion})`,
    { hint: 'update with: npm install -g tapes-intercept, or name another database with --db FILE' },
  );
}

export function foreignDatabase(file: string, why: string, cause?: unknown): TapesError {
  return new TapesError('E_DB_UNREADABLE', `${file} ${why}`, {
    hint: 'name another database with --db FILE, or move this file away and tapes makes a new one',
    cause,
  });
}

/** What the schema of an open database is. Throws E_DB_NEWER or E_DB_UNREADABLE, and has written nothing. */
export async function readSchemaVersion(connection: Connection, file: string): Promise<number> {
  const { version } = (await connection.get<{ version: number }>(
    'SELECT user_version AS version FROM pragma_user_version',
  ))!;
  const { id } = (await connection.get<{ id: number }>('SELECT application_id AS id FROM pragma_application_id'))!;
  const { tables } = (await connection.get<{ tables: number }>('SELECT count(*) AS tables FROM sqlite_schema'))!;
  if (id !== applicationId && tables > 0) throw foreignDatabase(file, 'is a database, but not one of tapes');
  if (version > schemaVersion) throw newerDatabase(file, version);
  return version;
}

/** Two processes may do this at once: each step looks again once it holds the write lock. */
export async function migrate(
  connection: Connection,
  file: string,
  steps: readonly Migration[] = migrations,
): Promise<void> {
  if ((await readSchemaVersion(connection, file)) >= steps.length) return;
  for (const [index, step] of steps.entries()) {
    await connection.transaction(async () => {
      const { version } = (await connection.get<{ version: number }>(
        'SELECT user_version AS version FROM pragma_user_version',
      ))!;
      if (version > index) return;
      if (index === 0)
        await connection.exec(
          `PRAGMA application_id = ${applicationId}; CREATE TABLE migrations (name TEXT PRIMARY KEY, applied_at TEXT NOT NULL) STRICT;`,
        );
      await connection.exec(step.sql);
      await connection.run("INSERT INTO migrations VALUES (?, strftime('%Y-%m-%dT%H:%M:%fZ', 'now'))", [step.name]);
      await connection.exec(`PRAGMA user_version = ${index + 1}`);
    });
  }
}
