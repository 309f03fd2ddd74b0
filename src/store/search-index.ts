// What goes into the full-text index, and how: masked already, as everything here is. Title requests are left out: they repeat prompts.
import { createHash } from 'node:crypto';

import { toItem, toSearchEntry, toSentEntry } from '../derive/index.ts';
import type { SearchEntry, SentItem } from '../derive/index.ts';
import type { Item } from '../domain/index.ts';
import type { Connection, SqlValue } from './connection.ts';
import type { CallRow } from './rows.ts';

export interface IndexWrite {
  readonly sql: string;
  readonly values: readonly SqlValue[];
}

type IndexedCall = Pick<CallRow, 'id' | 'session_id' | 'turn_id' | 'kind'>;

/** Written through the view, whose trigger leaves out what is there already. */
const insert = `INSERT INTO search_entries (call_id, item_key, type, role, text, is_sent) VALUES (?, ?, ?, ?, ?, ?)`;

/** 48 bits, which a JavaScript number holds: among a million items two are taken for one with a chance of one in five hundred. */
const keyOf = (session: string, item: string): number =>
  createHash('sha256').update(`${session}\n${item}`).digest().readUIntBE(0, 6);

/** Of what an agent sent: the items that no earlier call of the thread had. */
export function indexSent(call: IndexedCall, items: readonly SentItem[]): IndexWrite[] {
  return writesOf(call, 'sent', items.map(toSentEntry));
}

export function indexAnswer(call: IndexedCall, items: readonly Item[]): IndexWrite[] {
  return writesOf(call, 'answer', items.map(toSearchEntry));
}

function writesOf(
  call: IndexedCall,
  source: 'sent' | 'answer',
  entries: readonly (SearchEntry | null)[],
): IndexWrite[] {
  if (call.kind === 'title') return [];
  return entries.flatMap((entry, at) => {
    if (entry === null) return [];
    const { id, hash, type, role, text } = entry;
    // Without an id the same words may be said again in another turn.
    const key = id ?? (source === 'answer' ? `${call.id} ${at}` : `${call.turn_id ?? ''} ${hash}`);
    const isSent = source === 'sent' ? 1 : 0;
    return {
      sql: insert,
      values: [call.id, keyOf(call.session_id, key), type, role, text, isSent],
    };
  });
}

const pageRows = 500;

/** For calls that were recorded before there was an index. Answers and tool outputs are in their rows, prompts in their turns. `from`: a rowid; only calls behind it. */
export async function fillSearch(connection: Connection, from = 0): Promise<void> {
  type Row = IndexedCall & Pick<CallRow, 'thread_id' | 'output' | 'tool_outputs'> & { readonly place: number };
  let after = from;
  for (;;) {
    const calls: Row[] = await connection.all<Row>(
      `SELECT rowid AS place, id, session_id, thread_id, turn_id, kind, output, tool_outputs
       FROM calls WHERE rowid > ? ORDER BY rowid LIMIT ${pageRows}`,
      [after],
    );
    for (const call of calls) {
      const sent = [...(await readPromptOf(connection, call)), ...parse(call.tool_outputs)];
      const inputs = sent.map((json) => ({ json, item: toItem(json) }));
      const writes = [
        ...indexSent(call, inputs),
        ...indexAnswer(
          call,
          parse(call.output).map((json) => toItem(json)),
        ),
      ];
      for (const { sql, values } of writes) await connection.run(sql, values);
    }
    if (calls.length < pageRows) return;
    after = calls.at(-1)!.place;
  }
}

/** With the first call of the turn; the item has no id, so with later calls it is there already. */
async function readPromptOf(
  connection: Connection,
  call: Pick<CallRow, 'thread_id' | 'turn_id'>,
): Promise<Readonly<Record<string, unknown>>[]> {
  if (call.turn_id === null) return [];
  const turn = await connection.get<{ prompt: string | null }>(
    'SELECT prompt FROM turns WHERE thread_id = ? AND id = ?',
    [call.thread_id, call.turn_id],
  );
  return turn?.prompt == null ? [] : [{ type: 'message', role: 'user', content: turn.prompt }];
}

const parse = (json: string): Readonly<Record<string, unknown>>[] =>
  JSON.parse(json) as Readonly<Record<string, unknown>>[];
