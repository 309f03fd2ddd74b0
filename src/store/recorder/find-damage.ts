// Can what a run has recorded be read? What a connection has in memory hides damage that was done to the file meanwhile: one that has read
// nothing yet finds it.
import { Connection, sqliteCode } from '../connection.ts';

/** SQLite's code for the damage; null: none was met. Never throws. */
export async function findDamage(dbFile: string, runId: string): Promise<string | null> {
  let reader: Connection | null = null;
  try {
    // Neither made nor migrated, should another file be there by now.
    reader = await Connection.open(dbFile, 'read', 0);
    await reader.get(
      'SELECT count(e.status), count(c.status) FROM exchanges e LEFT JOIN calls c ON c.exchange_id = e.id WHERE e.run_id = ?',
      [runId],
    );
    return null;
  } catch (error) {
    const code = sqliteCode(error);
    return code === 'SQLITE_CORRUPT' || code === 'SQLITE_NOTADB' ? code : null;
  } finally {
    await reader?.close();
  }
}
