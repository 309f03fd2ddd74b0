// `tapes search`: entries of the full-text index that hold all terms, the newest first.
import { toMatch } from '../../derive/index.ts';
import type { Connection } from '../connection.ts';
import { shortenIds } from '../short-id.ts';

export interface SearchFilter {
  /** Words and phrases; at least one, each with a letter or digit in it. */
  readonly terms: readonly string[];
  readonly limit: number;
  readonly sessionId?: string | undefined;
  readonly role?: string | undefined;
  /** An item's type; `call` and `output` stand for those of every tool. */
  readonly type?: string | undefined;
  /** ISO 8601; what was said in a call that began at this time or later. */
  readonly since?: string | undefined;
  /** ISO 8601; before this time. */
  readonly until?: string | undefined;
}

/** Text around a hit: pieces in their order. */
export type Snippet = readonly { readonly text: string; readonly isHit: boolean }[];

export interface FoundEntry {
  readonly callId: string;
  readonly shortCallId: string;
  /** Null: in a prewarm whose turn has not begun. */
  readonly turnId: string | null;
  readonly sessionId: string;
  readonly shortSessionId: string;
  readonly threadId: string;
  readonly type: string;
  readonly role: string;
  readonly snippet: Snippet;
  readonly startedAt: string;
}

interface Row {
  readonly call_id: string;
  readonly turn_id: string | null;
  readonly session_id: string;
  readonly thread_id: string;
  readonly type: string;
  readonly role: string;
  readonly snippet: string;
  readonly started_at: string;
}

// Characters that no text may use (Unicode calls them noncharacters). Should one hold them all the same, a mark is in a wrong place.
const [hitStart, hitEnd] = ['\ufdd0', '\ufdd1'];
const snippetTokens = 24;
// A token may be as long as the text: base64.
const longestPiece = 160;

export async function searchEntries(connection: Connection, filter: SearchFilter): Promise<FoundEntry[]> {
  const { terms, limit, sessionId, role, type, since, until } = filter;
  const conditions: readonly Condition[] = [
    { sql: 'search_text MATCH ?', value: toMatch(terms) },
    ...(sessionId === undefined ? [] : await readSessionConditions(connection, sessionId)),
    ...(role === undefined ? [] : [{ sql: 'search_items.role = ?', value: role }]),
    ...(since === undefined ? [] : [{ sql: 'calls.started_at >= ?', value: since }]),
    ...(until === undefined ? [] : [{ sql: 'calls.started_at < ?', value: until }]),
    ...(type === undefined ? [] : [typeCondition(type)]),
  ];
  // The index is read from its newest row down, and no further than it takes to fill the list.
  const rows = await connection.all<Row>(
    `SELECT call_id, calls.turn_id, calls.session_id, calls.thread_id, search_items.type, role, calls.started_at,
       snippet(search_text, 0, '${hitStart}', '${hitEnd}', '…', ${snippetTokens}) AS snippet
     FROM search_text
     CROSS JOIN search_items ON search_items.id = search_text.rowid
     CROSS JOIN calls ON calls.id = call_id
     WHERE ${conditions.map(({ sql }) => sql).join(' AND ')}
     ORDER BY search_text.rowid DESC LIMIT ?`,
    [...conditions.map(({ value }) => value), limit],
  );
  const unique = (ids: readonly string[]): string[] => [...new Set(ids)];
  const calls = await shortenIds(connection, 'call', unique(rows.map((row) => row.call_id)));
  const sessions = await shortenIds(connection, 'session', unique(rows.map((row) => row.session_id)));
  return rows.map((row) => ({
    callId: row.call_id,
    shortCallId: calls.get(row.call_id) ?? row.call_id,
    turnId: row.turn_id,
    sessionId: row.session_id,
    shortSessionId: sessions.get(row.session_id) ?? row.session_id,
    threadId: row.thread_id,
    type: row.type,
    role: row.role,
    snippet: readSnippet(row.snippet),
    startedAt: row.started_at,
  }));
}

interface Condition {
  readonly sql: string;
  readonly value: string | number;
}

/** A session's rows are near each other: between the first and the last of them the index has not much to read. */
async function readSessionConditions(connection: Connection, sessionId: string): Promise<Condition[]> {
  const range = await connection.get<{ first: number | null; last: number | null }>(
    `SELECT min(id) AS first, max(id) AS last FROM search_items
     WHERE call_id IN (SELECT id FROM calls WHERE session_id = ?)`,
    [sessionId],
  );
  return [
    { sql: 'search_text.rowid >= ?', value: range?.first ?? 0 },
    { sql: 'search_text.rowid <= ?', value: range?.last ?? 0 },
    { sql: 'calls.session_id = ?', value: sessionId },
  ];
}

function typeCondition(type: string): Condition {
  const isGroup = type === 'call' || type === 'output';
  return { sql: 'search_items.type GLOB ?', value: isGroup ? `*_${type}` : type.replaceAll(/[*?[]/g, '[$&]') };
}

function readSnippet(marked: string): Snippet {
  const pieces: { text: string; isHit: boolean }[] = [];
  for (const [at, part] of marked.split(hitStart).entries()) {
    const [hit, rest] = at === 0 ? ['', part] : splitAt(part, part.indexOf(hitEnd));
    pieces.push({ text: hit, isHit: true }, { text: rest.replaceAll(hitEnd, ''), isHit: false });
  }
  return pieces.filter(({ text }) => text !== '').map((piece, at) => shorten(piece, at === 0));
}

const splitAt = (text: string, end: number): [string, string] =>
  end === -1 ? [text, ''] : [text.slice(0, end), text.slice(end + hitEnd.length)];

/** What comes before the first hit is cut at its front, everything else at its end. */
function shorten({ text, isHit }: Snippet[number], isFirst: boolean): Snippet[number] {
  const characters = Array.from(text);
  if (characters.length <= longestPiece) return { text, isHit };
  const cut =
    isFirst && !isHit
      ? `…${characters.slice(-longestPiece).join('')}`
      : `${characters.slice(0, longestPiece).join('')}…`;
  return { text: cut, isHit };
}
