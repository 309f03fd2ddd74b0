// Puts headers that rows hold whole into parts: for what is imported.
import type { Connection } from './connection.ts';
import type { HeaderPartRow } from './rows.ts';
import { upsertOf } from './rows.ts';
import { parseHeaders, SharedHeaders } from './header-parts.ts';
import type { StoredHeaders } from './header-parts.ts';

interface WholeRow {
  readonly place: number;
  readonly run_id: string;
  readonly request_headers: string;
  readonly response_headers: string | null;
}

const pageRows = 200;

/** Inside a transaction. */
export async function shareAllHeaders(connection: Connection): Promise<void> {
  let run: string | null = null;
  let shared = new SharedHeaders();
  for (let rows = await readPage(connection, '', 0); rows.length > 0;) {
    // Most rows of a page name the same few.
    const parts = new Map<string, HeaderPartRow>();
    for (const row of rows) {
      if (row.run_id !== run) shared = new SharedHeaders();
      run = row.run_id;
      const [request, response] = [share(shared, row.request_headers), share(shared, row.response_headers)];
      for (const part of [...request.parts, ...response.parts]) parts.set(part.headers, part);
      await rewrite(connection, row.place, request, response);
    }
    for (const part of parts.values()) {
      const { sql, values } = upsertOf('header_parts', part);
      await connection.run(sql, values);
    }
    const last = rows.at(-1)!;
    rows = await readPage(connection, last.run_id, last.place);
  }
}

const readPage = (connection: Connection, run: string, place: number): Promise<WholeRow[]> =>
  connection.all<WholeRow>(
    `SELECT rowid AS place, run_id, request_headers, response_headers FROM exchanges
     WHERE (run_id, rowid) > (?, ?) ORDER BY run_id, rowid LIMIT ${pageRows}`,
    [run, place],
  );

type Shared = Omit<StoredHeaders, 'headers'> & { readonly headers: string | null };

function share(shared: SharedHeaders, text: string | null): Shared {
  const headers = text === null ? null : parseHeaders(text);
  // What is no list of headers stays what it is.
  return headers === null ? { headers: text, list: null, values: null, parts: [] } : shared.share(headers);
}

const rewrite = (connection: Connection, place: number, request: Shared, response: Shared): Promise<void> =>
  connection.run(
    `UPDATE exchanges SET request_headers = ?, request_list = ?, request_values = ?,
       response_headers = ?, response_list = ?, response_values = ? WHERE rowid = ?`,
    [request.headers, request.list, request.values, response.headers, response.list, response.values, place],
  );
