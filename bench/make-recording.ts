// Makes a database of many recorded calls without recording them: rows in the shape that the recorder gives them, inserted in bulk.
// Its sessions look like Codex at work: turns of a few calls, each with reasoning, a tool call and what the tool printed.
// Bodies are stand-ins of a few hundred bytes with the sizes of real ones beside them: no question reads them.
import { Connection } from '../src/store/connection.ts';
import { openForWriting } from '../src/store/open-database.ts';

export interface RecordingSize {
  readonly sessions: number;
  readonly turnsPerSession: number;
  readonly callsPerTurn: number;
}

/** In one prompt of a thousand. */
export const rareWord = 'xylophone';
/** In nearly everything. */
export const commonWord = 'the';

const words =
  'the file reads a buffer and writes its header before any test of the parser can fail when chunk order changes under load while retry timer socket stream token cache index value error build module queue worker thread lock row table page cursor route proxy certificate'.split(
    ' ',
  );
const models = ['gpt-6.1-sol', 'gpt-6.1-sol', 'gpt-6-luna', 'gpt-5.5'] as const;
const statuses = [...Array<string>(96).fill('completed'), 'failed', 'truncated', 'aborted', 'incomplete'];
const firstCallAt = Date.UTC(2026, 4, 1);
const lastCallAt = Date.UTC(2026, 10, 23);

// The same sequence each time (a linear congruential generator).
let state = 7;
const random = (): number => {
  state = (state * 1_664_525 + 1_013_904_223) % 4_294_967_296;
  return state / 4_294_967_296;
};
const pick = <T>(list: readonly T[]): T => list[Math.floor(random() * list.length)]!;
const text = (count: number): string => Array.from({ length: count }, () => pick(words)).join(' ');
const hex = (length: number): string => Array.from({ length }, () => Math.floor(random() * 16).toString(16)).join('');
const uuid = (start: string): string => `${start}${hex(4)}-${hex(4)}-7${hex(3)}-${hex(4)}-${hex(12)}`;
const iso = (at: number): string => new Date(at).toISOString();

let itemKey = 0;

type Row = Readonly<Record<string, string | number | null>>;

/** Rows go in as JSON, hundreds of them in one statement: a hundred thousand calls take seconds, not minutes. */
class Bulk {
  readonly #connection: Connection;
  readonly #rows = new Map<string, Row[]>();

  constructor(connection: Connection) {
    this.#connection = connection;
  }

  add(table: string, row: Row): void {
    const rows = this.#rows.get(table);
    if (rows === undefined) this.#rows.set(table, [row]);
    else rows.push(row);
  }

  async flush(): Promise<void> {
    for (const [table, rows] of this.#rows) {
      const columns = Object.keys(rows[0] ?? {});
      const values = columns.map((name) =>
        name === 'data' ? `CAST(value ->> '$.${name}' AS BLOB)` : `value ->> '$.${name}'`,
      );
      const sql = `INSERT INTO ${table} (${columns.join(', ')}) SELECT ${values.join(', ')} FROM json_each(?)`;
      await this.#connection.run(sql, [JSON.stringify(rows)]);
    }
    this.#rows.clear();
  }
}

export async function makeRecording(dbFile: string, size: RecordingSize): Promise<void> {
  const connection = await openForWriting(dbFile, 1000);
  await connection.exec('PRAGMA synchronous = OFF; PRAGMA cache_size = -200000');
  const bulk = new Bulk(connection);
  await connection.transaction(async () => {
    addRun(bulk);
    await bulk.flush();
    for (let at = 0; at < size.sessions; at++) {
      addSession(bulk, at, size);
      await bulk.flush();
    }
  });
  await connection.exec('PRAGMA wal_checkpoint(TRUNCATE)');
  await connection.close();
}

function addRun(bulk: Bulk): void {
  const run = {
    id: 'run',
    agent: 'codex',
    argv: '["codex"]',
    cwd: '/home/dev/project',
    version: '0',
    hostname: 'host',
  };
  bulk.add('runs', { ...run, pid: 1, started_at: iso(firstCallAt), ended_at: iso(lastCallAt), exit_code: 0 });
  bulk.add('exchanges', {
    id: 'exchange',
    run_id: 'run',
    kind: 'http',
    method: 'POST',
    scheme: 'https',
    host: 'chatgpt.com',
    port: 443,
    path: '/backend-api/codex/responses',
    http_version: '2.0',
    request_headers: '[]',
    started_at: iso(firstCallAt),
    request_wire_bytes: 0,
    response_wire_bytes: 0,
    outcome: 'ended',
  });
}

/** What a call adds to, as a session goes on. */
interface Progress {
  readonly sessionId: string;
  readonly isTitle: boolean;
  readonly model: string;
  at: number;
  contextTokens: number;
  toolOutput: Row | null;
}

function addSession(bulk: Bulk, number: number, size: RecordingSize): void {
  const sessionId = uuid('01a2');
  const step = (lastCallAt - firstCallAt) / size.sessions;
  const at = firstCallAt + number * step;
  const isTitle = number % 10 === 9;
  bulk.add('sessions', {
    id: sessionId,
    agent: 'codex',
    agent_version: '0.169.0',
    cwd: '/home/dev/project',
    kind: isTitle ? 'title' : 'user',
    title: isTitle ? null : text(5),
    started_at: iso(at),
    last_at: iso(at + step),
  });
  bulk.add('threads', { id: sessionId, session_id: sessionId, agent_name: '/root', started_at: iso(at) });
  const progress: Progress = { sessionId, isTitle, model: pick(models), at, contextTokens: 14_000, toolOutput: null };
  for (let turn = 0; turn < size.turnsPerSession; turn++) {
    const turnId = uuid('01a3');
    const prompt = `${text(20)}${random() < 0.001 ? ` ${rareWord}` : ''}`;
    bulk.add('turns', {
      thread_id: sessionId,
      id: turnId,
      session_id: sessionId,
      prompt,
      started_at: iso(progress.at),
    });
    for (let call = 0; call < size.callsPerTurn; call++) {
      addCall(bulk, progress, { turnId, prompt: call === 0 ? prompt : null, isLast: call === size.callsPerTurn - 1 });
    }
  }
}

function addCall(
  bulk: Bulk,
  progress: Progress,
  { turnId, prompt, isLast }: { turnId: string; prompt: string | null; isLast: boolean },
): void {
  const { sessionId, isTitle, contextTokens, at, toolOutput } = progress;
  const id = hex(20);
  const outputTokens = 50 + Math.floor(random() * 900);
  const firstTokenMs = 400 + random() * 3000;
  const endedMs = firstTokenMs + outputTokens * (8 + random() * 8);
  const thought = text(30);
  const said = isLast ? text(60) : `{"cmd":"${text(12)}"}`;
  const printed = text(150);
  const answer = isLast
    ? { id: `msg_${id}`, type: 'message', role: 'assistant', content: [{ type: 'output_text', text: said }] }
    : { id: `fc_${id}`, type: 'function_call', call_id: `call_${id}`, name: 'exec', arguments: said };
  const limits = { primary: { usedPercent: 12, windowMinutes: 300, resetsAt: iso(at + 3_600_000) } };
  bulk.add('calls', {
    id,
    exchange_id: 'exchange',
    run_id: 'run',
    session_id: sessionId,
    thread_id: sessionId,
    turn_id: turnId,
    kind: isTitle ? 'title' : 'turn',
    attempt: 1,
    retry_key: 'key',
    transport: 'https',
    status: pick(statuses),
    model: progress.model,
    response_id: `resp_${id}`,
    http_status: 200,
    started_at: iso(at),
    ended_at: iso(at + endedMs),
    request_ended_ms: 20,
    first_token_ms: firstTokenMs,
    ended_ms: endedMs,
    input_items: 8,
    new_items: 2,
    input_tokens: contextTokens,
    cached_input_tokens: Math.floor(contextTokens * 0.9),
    output_tokens: outputTokens,
    reasoning_tokens: Math.floor(outputTokens / 2),
    total_tokens: contextTokens + outputTokens,
    rate_limits: JSON.stringify(limits),
    tool_outputs: JSON.stringify(toolOutput === null ? [] : [toolOutput]),
    output: JSON.stringify([
      { id: `rs_${id}`, type: 'reasoning', summary: [{ type: 'summary_text', text: thought }] },
      answer,
    ]),
  });
  for (const side of ['request', 'response']) {
    const bytes = side === 'request' ? contextTokens * 4 : 9000;
    const sizes = { wire_bytes: bytes, decoded_bytes: bytes, stored_bytes: bytes, stored_sha256: hex(64), masked: 0 };
    bulk.add('bodies', { call_id: id, side, ...sizes, storage: 'plain', data: text(60) });
  }
  if (!isTitle) {
    const sent = prompt ?? toolOutput?.['output'] ?? '';
    const entries = [
      {
        is_sent: 1,
        type: prompt === null ? 'function_call_output' : 'message',
        role: prompt === null ? 'tool' : 'user',
        text: sent,
      },
      { is_sent: 0, type: 'reasoning', role: 'assistant', text: thought },
      { is_sent: 0, type: answer.type, role: 'assistant', text: said },
    ];
    for (const entry of entries) {
      bulk.add('search_entries', { call_id: id, item_key: itemKey++, ...entry });
    }
  }
  progress.toolOutput = isLast
    ? null
    : { type: 'function_call_output', id: `fco_${id}`, call_id: `call_${id}`, output: printed };
  progress.at += endedMs + 2000;
  progress.contextTokens += 400;
}
