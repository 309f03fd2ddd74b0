// What `tapes stats` counts: the calls in groups (from an index alone: migrations/003-index-questions.ts), and what stands beside them.
import type { CallGroup } from '../../derive/index.ts';
import type { CallStatus, RateLimits } from '../../domain/index.ts';
import type { Connection } from '../connection.ts';
import { shortenIds } from '../short-id.ts';
import { readLiveRuns } from './live-runs.ts';

export interface StatsFilter {
  readonly agent?: string | undefined;
  /** ISO 8601; calls that began at this time or later. */
  readonly since?: string | undefined;
}

export interface RecordedStats {
  readonly groups: readonly CallGroup[];
  /** Of the user's sessions, begun in the time asked for. */
  readonly turns: number;
  /** The agent's own sessions, which are not the user's: titles. */
  readonly backgroundSessions: ReadonlySet<string>;
  /** The newest that a provider gave, and when. */
  readonly rateLimits: SeenRateLimits | null;
  /** Of the whole database. */
  readonly storage: StorageSizes;
}

export interface SeenRateLimits extends RateLimits {
  readonly seenAt: string;
}

export interface StorageSizes {
  readonly dbBytes: number;
  readonly decodedRequestBytes: number;
  readonly responseBytes: number;
}

interface GroupRow {
  readonly session_id: string;
  readonly stretch: string;
  readonly model: string | null;
  readonly kind: string;
  readonly status: CallStatus;
  readonly calls: number;
  readonly reported: number;
  readonly largest: number | null;
  readonly input: number;
  readonly cached: number;
  readonly output: number;
  readonly reasoning: number;
  readonly total: number;
  readonly ttft: string | null;
  readonly timed_tokens: number;
  readonly timed_ms: number;
}

interface Wanted {
  readonly sql: string;
  readonly values: readonly string[];
}

/** Only what is asked for is in the statement: a condition that is always true would cost as much as all of the sums. */
function wantedCalls({ agent, since }: StatsFilter): Wanted {
  const conditions = [
    ...(agent === undefined ? [] : [{ sql: 'session_id IN (SELECT id FROM sessions WHERE agent = ?)', value: agent }]),
    ...(since === undefined ? [] : [{ sql: 'calls.started_at >= ?', value: since }]),
  ];
  return {
    sql: conditions.map(({ sql }) => `${sql} AND `).join(''),
    values: conditions.map(({ value }) => value),
  };
}

/** `uneven`: days begin at a time that is no multiple of ten minutes. `thresholds`: where prices change (PriceList). */
export async function readStats(
  connection: Connection,
  filter: StatsFilter,
  { uneven, thresholds }: { uneven: boolean; thresholds: readonly number[] },
): Promise<RecordedStats> {
  const wanted = wantedCalls(filter);
  const groups = await readPricedGroups(connection, wanted, { uneven, thresholds });
  return {
    groups: groups.some(({ status }) => status === 'streaming') ? await endDead(connection, wanted, groups) : groups,
    turns: await readTurns(connection, filter),
    backgroundSessions: await readBackground(connection),
    rateLimits: await readRateLimits(connection, filter),
    storage: await readStorage(connection),
  };
}

/**
 * Groups that one price holds for. With the size of the input in their key SQLite would have to sort all calls (70 ms become 200), so
 * only sessions with a call above a threshold are read again, once for each band between two of them.
 */
async function readPricedGroups(
  connection: Connection,
  wanted: Wanted,
  { uneven, thresholds }: { uneven: boolean; thresholds: readonly number[] },
): Promise<CallGroup[]> {
  const rows = await readGroups(connection, wanted, uneven);
  const [lowest = Infinity] = thresholds;
  const mixed = new Set(rows.filter(({ largest }) => (largest ?? 0) > lowest).map(({ session_id: id }) => id));
  const groups = rows.filter(({ session_id: id }) => !mixed.has(id)).map(toGroup);
  if (mixed.size === 0) return groups;
  for (const above of [-1, ...thresholds]) {
    const upTo = thresholds.find((threshold) => threshold > above) ?? Number.MAX_SAFE_INTEGER;
    const band = {
      sql: `session_id IN (SELECT value FROM json_each(?)) AND ifnull(input_tokens, 0) > ${above} AND ifnull(input_tokens, 0) <= ${upTo} AND ${wanted.sql}`,
      values: [JSON.stringify([...mixed]), ...wanted.values],
    };
    groups.push(...(await readGroups(connection, band, uneven)).map(toGroup));
  }
  return groups;
}

function readGroups(connection: Connection, { sql, values }: Wanted, uneven: boolean): Promise<GroupRow[]> {
  return connection.all<GroupRow>(
    // Ten minutes is what the index has.
    `SELECT session_id, substr(started_at, 1, ${uneven ? 16 : 15}) AS stretch, model, kind, status,
       count(*) AS calls, count(input_tokens) AS reported, max(input_tokens) AS largest,
       total(input_tokens) AS input, total(cached_input_tokens) AS cached, total(output_tokens) AS output,
       total(reasoning_tokens) AS reasoning, total(total_tokens) AS total,
       group_concat(max(0, CAST(first_token_ms - ifnull(request_ended_ms, 0) + 0.5 AS INTEGER))) AS ttft,
       total(output_tokens) FILTER (WHERE ended_ms > request_ended_ms) AS timed_tokens,
       total(ended_ms - request_ended_ms) FILTER (WHERE output_tokens > 0) AS timed_ms
     FROM calls WHERE ${sql} TRUE GROUP BY 1, 2, 3, 4, 5`,
    values,
  );
}

function toGroup(row: GroupRow): CallGroup {
  const isTimed = row.status === 'completed';
  return {
    sessionId: row.session_id,
    // The rest of a time's shape, so that it can be read as one.
    startedAt: row.stretch + '0000-00-00T00:00:00.000Z'.slice(row.stretch.length),
    model: row.model,
    kind: row.kind,
    status: row.status,
    callInputTokens: row.largest ?? 0,
    calls: row.calls,
    reported: row.reported,
    usage: {
      inputTokens: row.input,
      cachedInputTokens: row.cached,
      outputTokens: row.output,
      reasoningTokens: row.reasoning,
      totalTokens: row.total,
    },
    ttftMs: row.ttft === null ? [] : (JSON.parse(`[${row.ttft}]`) as number[]),
    timedOutputTokens: isTimed ? row.timed_tokens : 0,
    timedMs: isTimed ? row.timed_ms : 0,
  };
}

/** What a dead run left open is interrupted: as many calls of each session are moved over as its dead runs left. */
async function endDead(
  connection: Connection,
  { sql, values }: Wanted,
  groups: readonly CallGroup[],
): Promise<CallGroup[]> {
  const live = await readLiveRuns(connection);
  const open = await connection.all<{ session_id: string; run_id: string; calls: number }>(
    `SELECT session_id, run_id, count(*) AS calls FROM calls WHERE ${sql} status = 'streaming' GROUP BY 1, 2`,
    values,
  );
  const dead = new Map<string, number>();
  for (const { session_id: id, run_id: run, calls } of open) {
    if (!live.has(run)) dead.set(id, (dead.get(id) ?? 0) + calls);
  }
  return groups.flatMap((group): CallGroup[] => {
    if (group.status !== 'streaming') return [group];
    const left = dead.get(group.sessionId) ?? 0;
    const ended = Math.min(left, group.calls);
    dead.set(group.sessionId, left - ended);
    // An open call has no usage and no times yet: only its count is split.
    return [
      ...(ended > 0 ? [{ ...group, calls: ended, status: 'interrupted' as const }] : []),
      ...(ended < group.calls ? [{ ...group, calls: group.calls - ended, ttftMs: [] }] : []),
    ];
  });
}

async function readTurns(connection: Connection, { agent, since }: StatsFilter): Promise<number> {
  const row = await connection.get<{ turns: number }>(
    `SELECT count(*) AS turns FROM turns JOIN sessions ON sessions.id = turns.session_id
     WHERE kind = 'user' AND (?1 IS NULL OR agent = ?1) AND (?2 IS NULL OR turns.started_at >= ?2)`,
    [agent ?? null, since ?? null],
  );
  return row?.turns ?? 0;
}

async function readBackground(connection: Connection): Promise<Set<string>> {
  const rows = await connection.all<{ id: string }>("SELECT id FROM sessions WHERE kind <> 'user'");
  return new Set(rows.map(({ id }) => id));
}

/** Not only of the time asked for: the limits are those of now. What no call of the last thousand had is not looked for. */
async function readRateLimits(connection: Connection, { agent }: StatsFilter): Promise<SeenRateLimits | null> {
  const row = await connection.get<{ rate_limits: string; started_at: string }>(
    `SELECT rate_limits, started_at FROM (
       SELECT rate_limits, started_at FROM calls
       WHERE ?1 IS NULL OR session_id IN (SELECT id FROM sessions WHERE agent = ?1)
       ORDER BY started_at DESC LIMIT 1000
     ) WHERE rate_limits IS NOT NULL LIMIT 1`,
    [agent ?? null],
  );
  return row === undefined ? null : { seenAt: row.started_at, ...(JSON.parse(row.rate_limits) as RateLimits) };
}

async function readStorage(connection: Connection): Promise<StorageSizes> {
  const sizes = await connection.all<{ side: string; bytes: number }>(
    'SELECT side, sum(decoded_bytes) AS bytes FROM bodies GROUP BY side',
  );
  const pages = await connection.get<{ bytes: number }>(
    'SELECT page_count * page_size AS bytes FROM pragma_page_count, pragma_page_size',
  );
  const sizeOf = (side: string): number => sizes.find((row) => row.side === side)?.bytes ?? 0;
  return { dbBytes: pages?.bytes ?? 0, decodedRequestBytes: sizeOf('request'), responseBytes: sizeOf('response') };
}

export interface SessionName {
  readonly shortId: string;
  /** The title; else the first prompt of the session. */
  readonly title: string | null;
}

export async function nameSessions(
  connection: Connection,
  ids: readonly string[],
): Promise<ReadonlyMap<string, SessionName>> {
  const shortIds = await shortenIds(connection, 'session', ids);
  const rows = await connection.all<{ id: string; title: string | null }>(
    `SELECT id, coalesce(title,
       (SELECT prompt FROM turns JOIN threads ON threads.id = turns.thread_id
        WHERE turns.session_id = sessions.id AND prompt IS NOT NULL AND parent_thread_id IS NULL
        ORDER BY turns.started_at, turns.rowid LIMIT 1)) AS title
     FROM sessions WHERE id IN (SELECT value FROM json_each(?))`,
    [JSON.stringify(ids)],
  );
  return new Map(rows.map(({ id, title }) => [id, { shortId: shortIds.get(id) ?? id, title }]));
}
