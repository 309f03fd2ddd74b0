// Sessions as lines of an export, read at one moment and a row at a time. Bodies go as they are kept: masked, and in parts, so that the
// file grows as the conversation does and not with its square.
import { TapesError } from '../../errors.ts';
import { unpackBody } from '../compression.ts';
import type { BodyStorage } from '../compression.ts';
import type { Connection } from '../connection.ts';
import { openForReading, openForWriting } from '../open-database.ts';
import { findRecording } from '../queries/find-recording.ts';
import { readLiveRuns } from '../queries/live-runs.ts';
import { recoverDeadRuns } from '../recorder/recover.ts';
import type { ExchangeRow } from '../rows.ts';
import { readHeaders } from '../header-parts.ts';
import type { ExportEnd, ExportHead } from './export-format.ts';
import { contentColumn, exportFormat, exportVersion, timesColumn, writeContent } from './export-format.ts';
import type { ExportedTable } from './export-format.ts';

export interface ExportReport {
  readonly sessions: readonly string[];
  readonly records: number;
}

type Row = Record<string, string | number | null | Buffer>;

const pageRows = 200;

const sessionsCalls = 'SELECT id FROM calls WHERE session_id IN (SELECT id FROM exported_sessions)';

/** Which rows go, and what tells one from the next. */
const sources: Readonly<Record<ExportedTable, string>> = {
  runs: `id IN (SELECT run_id FROM calls WHERE id IN (${sessionsCalls}))`,
  connections: `EXISTS (SELECT 1 FROM exchanges WHERE exchanges.run_id = connections.run_id
    AND number IN (agent_connection, provider_connection)
    AND id IN (SELECT exchange_id FROM calls WHERE id IN (${sessionsCalls})))`,
  exchanges: `id IN (SELECT exchange_id FROM calls WHERE id IN (${sessionsCalls}))`,
  sessions: `id IN (SELECT id FROM exported_sessions)
    OR id IN (SELECT session_id FROM threads WHERE id IN (SELECT thread_id FROM calls WHERE id IN (${sessionsCalls})))`,
  threads: `session_id IN (SELECT id FROM exported_sessions)
    OR id IN (SELECT thread_id FROM calls WHERE id IN (${sessionsCalls}))`,
  turns: `session_id IN (SELECT id FROM exported_sessions)`,
  calls: `id IN (${sessionsCalls})`,
  call_times: `call_id IN (${sessionsCalls})`,
  items: 'hash IN (SELECT hash FROM exported_items)',
  nodes: 'hash IN (SELECT hash FROM exported_nodes)',
  request_parts: `call_id IN (${sessionsCalls})`,
  bodies: `call_id IN (${sessionsCalls})`,
  response_chunks: `call_id IN (${sessionsCalls})`,
};

const keys: Readonly<Record<ExportedTable, readonly string[]>> = {
  runs: ['id'],
  connections: ['run_id', 'number'],
  exchanges: ['id'],
  sessions: ['id'],
  threads: ['id'],
  turns: ['thread_id', 'id'],
  calls: ['id'],
  call_times: ['call_id'],
  items: ['hash'],
  nodes: ['hash'],
  request_parts: ['call_id', 'seq'],
  bodies: ['call_id', 'side'],
  response_chunks: ['call_id', 'seq'],
};

/** Hands the lines to `write`, one after the other. Throws E_NOT_FOUND, E_AMBIGUOUS, E_SESSION_ACTIVE, E_DB_…. */
export async function exportSessions(
  dbFile: string,
  ids: readonly string[],
  about: Pick<ExportHead, 'tapesVersion' | 'exportedAt'>,
  write: (line: string) => Promise<void>,
): Promise<ExportReport> {
  await finishDeadRuns(dbFile);
  const connection = await openForReading(dbFile);
  try {
    await connection.exec(`
      CREATE TEMP TABLE exported_sessions (id TEXT PRIMARY KEY) WITHOUT ROWID;
      CREATE TEMP TABLE exported_nodes (hash BLOB PRIMARY KEY) WITHOUT ROWID;
      CREATE TEMP TABLE exported_items (hash BLOB PRIMARY KEY) WITHOUT ROWID;`);
    return await connection.snapshot(() => exportAll(connection, ids, about, write));
  } finally {
    await connection.close();
  }
}

/** What a crash left open gets its end first, as it would when the next recorder starts. */
async function finishDeadRuns(dbFile: string): Promise<void> {
  const reader = await openForReading(dbFile);
  const live = await readLiveRuns(reader);
  const open = await reader.all<{ run_id: string }>("SELECT DISTINCT run_id FROM calls WHERE status = 'streaming'");
  await reader.close();
  if (open.every(({ run_id: id }) => live.has(id))) return;
  const connection = await openForWriting(dbFile, 30_000);
  try {
    await recoverDeadRuns(connection);
  } finally {
    await connection.close();
  }
}

async function exportAll(
  connection: Connection,
  given: readonly string[],
  about: Pick<ExportHead, 'tapesVersion' | 'exportedAt'>,
  write: (line: string) => Promise<void>,
): Promise<ExportReport> {
  const sessions: string[] = [];
  for (const id of given) {
    const found = (await findRecording(connection, id, ['session'])).id;
    if (!sessions.includes(found)) sessions.push(found);
  }
  await connection.run('INSERT INTO exported_sessions SELECT value FROM json_each(?)', [JSON.stringify(sessions)]);
  await refuseStreaming(connection);
  await connection.exec(`
    INSERT INTO exported_nodes
      WITH RECURSIVE chain (hash) AS (
        SELECT node FROM bodies WHERE node IS NOT NULL AND call_id IN (${sessionsCalls})
        UNION
        SELECT nodes.parent FROM chain JOIN nodes ON nodes.hash = chain.hash WHERE nodes.parent IS NOT NULL
      ) SELECT hash FROM chain;
    INSERT INTO exported_items
      SELECT item FROM nodes WHERE hash IN (SELECT hash FROM exported_nodes)
      UNION SELECT item FROM request_parts WHERE call_id IN (${sessionsCalls});`);
  const head: ExportHead = { type: exportFormat, version: exportVersion, ...about, sessions };
  await write(`${JSON.stringify(head)}\n`);
  let records = 0;
  for (const table of Object.keys(sources) as ExportedTable[]) {
    for await (const row of readRows(connection, table)) {
      await write(`${JSON.stringify({ type: table, ...(await toRecord(connection, table, row)) })}\n`);
      records += 1;
    }
  }
  const end: ExportEnd = { type: 'end', records };
  await write(`${JSON.stringify(end)}\n`);
  return { sessions, records };
}

async function refuseStreaming(connection: Connection): Promise<void> {
  const open = await connection.get<{ session_id: string }>(
    `SELECT session_id FROM calls WHERE status = 'streaming' AND id IN (${sessionsCalls}) LIMIT 1`,
  );
  if (open === undefined) return;
  throw new TapesError('E_SESSION_ACTIVE', `session ${open.session_id} has a call that is being recorded now`, {
    hint: 'export it when the call has ended; follow it with: tapes tail',
  });
}

async function* readRows(connection: Connection, table: ExportedTable): AsyncGenerator<Row> {
  const key = keys[table].join(', ');
  let after: Row | null = null;
  for (;;) {
    const since: string = after === null ? '' : `AND (${key}) > (${keys[table].map(() => '?').join(', ')})`;
    const rows: Row[] = await connection.all<Row>(
      `SELECT * FROM ${table} WHERE (${sources[table]}) ${since} ORDER BY ${key} LIMIT ${pageRows}`,
      after === null ? [] : keys[table].map((column) => after![column]!),
    );
    yield* rows;
    if (rows.length < pageRows) return;
    after = rows.at(-1)!;
  }
}

async function toRecord(connection: Connection, table: ExportedTable, row: Row): Promise<object> {
  const record: Record<string, unknown> = {};
  for (const [column, value] of Object.entries(row)) {
    if (column === contentColumn) record[column] = writeContent(await unpackRow(table, row));
    else if (column === timesColumn) record[column] = value === null ? null : writeContent(value as Buffer);
    else record[column] = Buffer.isBuffer(value) ? value.toString('hex') : value;
  }
  // How something is packed is each database's own affair; how it is taken apart is not.
  if (table === 'exchanges') await writeHeaders(connection, row, record);
  if (table === 'items') delete record['storage'];
  if (table === 'bodies' && row['storage'] !== 'template' && row['storage'] !== 'chunks') record['storage'] = 'whole';
  // On the machine that imports it, nobody records this run.
  if (table === 'runs' && row['ended_at'] === null) record['interrupted'] = 1;
  return record;
}

/** Headers go whole. */
async function writeHeaders(connection: Connection, row: Row, record: Record<string, unknown>): Promise<void> {
  const { request, response } = await readHeaders(connection, row as unknown as ExchangeRow);
  for (const part of ['list', 'values']) {
    delete record[`request_${part}`];
    delete record[`response_${part}`];
  }
  record['request_headers'] = JSON.stringify(request);
  record['response_headers'] = response === null ? null : JSON.stringify(response);
}

async function unpackRow(table: ExportedTable, row: Row): Promise<Uint8Array> {
  const data = row[contentColumn] as Buffer;
  if (table === 'response_chunks' || row['storage'] === 'chunks') return data;
  const storage = row['storage'] === 'template' ? 'deflate-1' : (row['storage'] as BodyStorage);
  return unpackBody({ storage, data });
}
