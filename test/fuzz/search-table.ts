// A full-text table as the database has it, in memory, to ask what SQLite makes of a query.
import { Connection } from '../../src/store/connection.ts';

export async function openSearchTable(): Promise<{ ask(match: string): Promise<void> }> {
  const connection = await Connection.open(':memory:', 'create');
  await connection.exec(`CREATE VIRTUAL TABLE search_text USING fts5(text, tokenize = 'unicode61', columnsize = 0);
    INSERT INTO search_text (text) VALUES ('fix the parser'), ('Grüße 日本語 x y')`);
  return {
    async ask(match) {
      await connection.all('SELECT rowid FROM search_text WHERE search_text MATCH ? LIMIT 1', [match]);
    },
  };
}
