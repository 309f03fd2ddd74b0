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
  // Of one moment: another process may be making the tables just now.
  const { id, tables, version } = await connection.snapshot(async () => ({
    tables: await readNumber(connection, 'SELECT count(*) AS value FROM sqlite_schema'),
    id: await readNumber(connection, 'SELECT application_id AS value FROM pragma_application_id'),
    version: await readNumber(connection, 'SELECT user_version AS value FROM pragma_user_version'),
  }));
  if (id !== applicationId && tables > 0) throw foreignDatabase(file, 'is a database, but not one of tapes');
  if (version > schemaVersion) throw newerDatabase(file, version);
  return version;
}

async function readNumber(connection: Connection, sql: string): Promise<number> {
  return (await connection.get<{ value: number }>(sql))!.value;
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
      const version = await readNumber(connection, 'SELECT user_version AS value FROM pragma_user_version');
      if (version > index) return;
      if (index === 0)
        await connection.exec(
          `PRAGMA application_id = ${applicationId}; CREATE TABLE migrations (name TEXT PRIMARY KEY, applied_at TEXT NOT NULL) STRICT;`,
        );
      await connection.exec(step.sql);
      await step.fill?.(connection);
      await connection.run("INSERT INTO migrations VALUES (?, strftime('%Y-%m-%dT%H:%M:%fZ', 'now'))", [step.name]);
      await connection.exec(`PRAGMA user_version = ${index + 1}`);
    });
  }
}
