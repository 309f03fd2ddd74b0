// Asks a database that tapes has written, as anybody could who reads docs/schema.md.
import sqlite3 from 'sqlite3';

export function query(file: string, sql: string): Promise<unknown[]> {
  return new Promise((resolve, reject) => {
    const db = new sqlite3.Database(file, sqlite3.OPEN_READONLY);
    db.all(sql, (error, rows) => db.close(() => (error === null ? resolve(rows) : reject(error))));
  });
}
