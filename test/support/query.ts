// Asks a database that tapes has written, as anybody could who reads docs/schema.md.
import Database from 'better-sqlite3';

export function query(file: string, sql: string): unknown[] {
  const db = new Database(file, { readonly: true });
  try {
    return db.prepare(sql).all();
  } finally {
    db.close();
  }
}
