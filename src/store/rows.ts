// Rows as the tables have them (the migrations explain each column), and the statement that writes each one.
// Whole rows are written again when something in them changes: writing one twice is writing it once.
import type { SqlValue } from './connection.ts';
import type { BodyStorage } from './compression.ts';

export type RunKind = 'intercept' | 'proxy' | 'session';

export interface RunRow {
  readonly id: string;
  readonly agent: string | null;
  readonly argv: string;
  readonly cwd: string;
  readonly label: string | null;
  readonly version: string;
  readonly hostname: string;
  readonly pid: number;
  readonly pid_started: string | null;
  readonly started_at: string;
  readonly ended_at: string | null;
  readonly exit_code: number | null;
  readonly signal: string | null;
  readonly interrupted: number;
  readonly dropped: number;
  readonly problems: string;
  readonly kind: RunKind;
  readonly proxy_run_id: string | null;
}

export interface ConnectionRow {
  readonly run_id: string;
  readonly number: number;
  readonly leg: 'agent' | 'provider';
  readonly client_address: string;
  readonly client_port: number;
  readonly server_address: string | null;
  readonly server_port: number | null;
  readonly opened_at: string | null;
  readonly ended_at: string | null;
  readonly ended_by: 'client' | 'server' | null;
  readonly is_reset: number;
  readonly began_at: string | null;
  readonly dns_ms: number | null;
  readonly connect_ms: number | null;
  readonly tls_ms: number | null;
  readonly made_for: string | null;
}

export type ExchangeOutcome =
  | 'open'
  | 'ended'
  | 'refused'
  | 'agent-hung-up'
  | 'upstream-failed'
  | 'tapes-stopped'
  | 'interrupted';

export interface ExchangeRow {
  readonly id: string;
  readonly run_id: string;
  readonly kind: 'http' | 'upgrade' | 'websocket';
  readonly method: string;
  readonly scheme: string;
  readonly host: string;
  readonly port: number;
  readonly path: string;
  readonly http_version: string;
  /** JSON: with a list beside it what is other than there, else the whole (see header-parts.ts); so is the response's. */
  readonly request_headers: string;
  readonly request_list: Uint8Array | null;
  readonly request_values: Uint8Array | null;
  readonly response_headers: string | null;
  readonly response_list: Uint8Array | null;
  readonly response_values: Uint8Array | null;
  readonly status: number | null;
  readonly reason: string | null;
  readonly started_at: string;
  readonly request_ended_ms: number | null;
  readonly response_started_ms: number | null;
  readonly ended_ms: number | null;
  readonly request_wire_bytes: number;
  readonly response_wire_bytes: number;
  readonly messages_sent: number;
  readonly messages_received: number;
  readonly outcome: ExchangeOutcome;
  readonly error_code: string | null;
  readonly error_message: string | null;
  readonly started_us: number | null;
  readonly agent_connection: number | null;
  readonly provider_connection: number | null;
  /** JSON (see provider-heads.ts). */
  readonly provider_heads: string | null;
  readonly provider_request_ms: number | null;
  readonly provider_response_ms: number | null;
  /** JSON (see head-marks.ts). */
  readonly mark_lengths: string | null;
}

export interface HeaderPartRow {
  readonly hash: Uint8Array;
  readonly headers: string;
}

export interface SessionRow {
  readonly id: string;
  readonly agent: string;
  readonly agent_version: string | null;
  readonly originator: string | null;
  readonly cwd: string | null;
  readonly kind: 'user' | 'title';
  readonly title: string | null;
  readonly started_at: string;
  readonly last_at: string;
}

export interface ThreadRow {
  readonly id: string;
  readonly session_id: string;
  readonly parent_thread_id: string | null;
  readonly agent_name: string | null;
  readonly subagent: string | null;
  readonly started_at: string;
}

export interface TurnRow {
  readonly thread_id: string;
  readonly id: string;
  readonly session_id: string;
  readonly prompt: string | null;
  readonly started_at: string;
}

export interface CallRow {
  readonly id: string;
  readonly exchange_id: string;
  readonly run_id: string;
  readonly session_id: string;
  readonly thread_id: string;
  readonly turn_id: string | null;
  readonly kind: string;
  readonly attempt: number;
  readonly retry_key: string;
  readonly transport: 'https' | 'websocket';
  readonly status: string;
  readonly model: string | null;
  readonly response_id: string | null;
  readonly previous_response_id: string | null;
  readonly http_status: number | null;
  readonly error_code: string | null;
  readonly error_message: string | null;
  readonly started_at: string;
  readonly ended_at: string | null;
  readonly request_ended_ms: number | null;
  readonly first_token_ms: number | null;
  readonly ended_ms: number | null;
  readonly input_items: number;
  readonly new_items: number;
  readonly input_tokens: number | null;
  readonly cached_input_tokens: number | null;
  readonly output_tokens: number | null;
  readonly reasoning_tokens: number | null;
  readonly total_tokens: number | null;
  readonly rate_limits: string | null;
  readonly tool_outputs: string;
  readonly output: string;
}

/** How a body's `problem` begins where all of it is kept, and its meaning was not read. */
export const notReadMark = 'not read:';

export interface BodyRow {
  readonly call_id: string;
  readonly side: 'request' | 'response';
  readonly content_encoding: string | null;
  readonly wire_bytes: number | null;
  readonly wire_sha256: string | null;
  readonly decoded_bytes: number;
  readonly decoded_sha256: string | null;
  readonly stored_bytes: number;
  readonly stored_sha256: string;
  readonly masked: number;
  readonly problem: string | null;
  /** template: the request without its items and parts (deflate-1); they are its node's and its request_parts'. */
  readonly storage: BodyStorage | 'chunks' | 'template';
  readonly data: Uint8Array;
  readonly node: Uint8Array | null;
  /** Of an answer (see chunk-times.ts). */
  readonly chunk_times?: Uint8Array | null;
}

export interface ItemRow {
  readonly hash: Uint8Array;
  readonly bytes: number;
  readonly storage: BodyStorage;
  readonly data: Uint8Array;
}

export interface NodeRow {
  readonly hash: Uint8Array;
  readonly parent: Uint8Array | null;
  readonly item: Uint8Array;
}

export interface RequestPartRow {
  readonly call_id: string;
  readonly seq: number;
  readonly item: Uint8Array;
}

export interface CallTimesRow {
  readonly call_id: string;
  readonly exchange_id: string;
  readonly started_at: string;
  readonly request_order: number;
  readonly end_order: number | null;
  readonly request_ended_ms: number;
  readonly first_token_ms: number | null;
  readonly ended_ms: number | null;
  readonly ended_at: string | null;
  readonly ended: string;
  /** JSON */
  readonly failure: string | null;
}

interface Rows {
  runs: RunRow;
  connections: ConnectionRow;
  header_parts: HeaderPartRow;
  exchanges: ExchangeRow;
  sessions: SessionRow;
  threads: ThreadRow;
  turns: TurnRow;
  calls: CallRow;
  bodies: BodyRow;
  items: ItemRow;
  nodes: NodeRow;
  request_parts: RequestPartRow;
  call_times: CallTimesRow;
}

export type TableName = keyof Rows;
export type RowOf<Table extends TableName> = Rows[Table];

interface TableShape {
  readonly key: readonly string[];
  /** What a column becomes when its row is there already; a column not named here takes the new value. */
  readonly merge?: Readonly<Record<string, string>>;
  /** Named by its content: the same key is the same row. */
  readonly isFixed?: true;
}

/** In the order of their references: parents first. */
export const tables: Readonly<Record<TableName, TableShape>> = {
  runs: { key: ['id'] },
  connections: { key: ['run_id', 'number'] },
  header_parts: { key: ['hash'], isFixed: true },
  exchanges: { key: ['id'] },
  sessions: {
    key: ['id'],
    merge: {
      // A session outlives a run, and two runs may write to one: what is known is never lost.
      agent_version: 'coalesce(excluded.agent_version, agent_version)',
      originator: 'coalesce(originator, excluded.originator)',
      cwd: 'coalesce(cwd, excluded.cwd)',
      kind: "CASE WHEN kind = 'user' THEN kind ELSE excluded.kind END",
      title: 'coalesce(excluded.title, title)',
      started_at: 'min(started_at, excluded.started_at)',
      last_at: 'max(last_at, excluded.last_at)',
    },
  },
  threads: {
    key: ['id'],
    merge: {
      session_id: 'session_id',
      parent_thread_id: 'coalesce(parent_thread_id, excluded.parent_thread_id)',
      agent_name: 'coalesce(agent_name, excluded.agent_name)',
      subagent: 'coalesce(subagent, excluded.subagent)',
      started_at: 'min(started_at, excluded.started_at)',
    },
  },
  turns: {
    key: ['thread_id', 'id'],
    merge: {
      session_id: 'session_id',
      // A later call of the turn may hold more of it (the person typed on); another text (a summary) does not replace it.
      prompt: `CASE WHEN prompt IS NULL OR substr(excluded.prompt, 1, length(prompt)) = prompt
        THEN excluded.prompt ELSE prompt END`,
      started_at: 'min(started_at, excluded.started_at)',
    },
  },
  // A prewarm is given its turn when the turn begins (see conversations.ts), perhaps before its own row is written again.
  calls: { key: ['id'], merge: { turn_id: 'coalesce(excluded.turn_id, turn_id)' } },
  items: { key: ['hash'], isFixed: true },
  nodes: { key: ['hash'], isFixed: true },
  request_parts: { key: ['call_id', 'seq'] },
  call_times: { key: ['call_id'] },
  bodies: { key: ['call_id', 'side'] },
};

interface Statement {
  readonly columns: readonly string[];
  readonly sql: string;
}

/** By table; most are written with one list of columns. */
const statements = new Map<TableName, Statement[]>();

/** The upsert of one row, and its values. */
export function upsertOf<Table extends TableName>(
  table: Table,
  row: RowOf<Table>,
): { sql: string; values: SqlValue[] } {
  return { sql: statementOf(table, Object.keys(row)).sql, values: Object.values(row) as SqlValue[] };
}

/** Compared column by column: a text of them all, to look it up by, would take longer than SQLite does for the row. */
function statementOf(table: TableName, columns: readonly string[]): Statement {
  const known = statements.get(table) ?? [];
  const found = known.find((statement) => isSameList(statement.columns, columns));
  if (found !== undefined) return found;
  const made = { columns, sql: upsertSql(table, columns) };
  statements.set(table, [...known, made]);
  return made;
}

function isSameList(one: readonly string[], other: readonly string[]): boolean {
  if (one.length !== other.length) return false;
  for (let at = 0; at < one.length; at += 1) if (one[at] !== other[at]) return false;
  return true;
}

function upsertSql(table: TableName, columns: readonly string[]): string {
  const { key, merge, isFixed } = tables[table];
  const updates = columns
    .filter((column) => !key.includes(column))
    .map((column) => `${column} = ${merge?.[column] ?? `excluded.${column}`}`);
  const places = columns.map(() => '?').join(', ');
  const change = isFixed ? 'NOTHING' : `UPDATE SET ${updates.join(', ')}`;
  return `INSERT INTO ${table} (${columns.join(', ')}) VALUES (${places}) ON CONFLICT (${key.join(', ')}) DO ${change}`;
}

/** Rows with the same key in one batch are written once, as the last one is; null where each must be merged in. */
export function batchKeyOf<Table extends TableName>(table: Table, row: RowOf<Table>): string | null {
  if (table === 'sessions' || table === 'threads' || table === 'turns') return null;
  return tables[table].key.map((column) => keyText(row[column as keyof RowOf<Table>])).join('\n');
}

const keyText = (value: unknown): string =>
  value instanceof Uint8Array ? Buffer.from(value).toString('latin1') : String(value);
