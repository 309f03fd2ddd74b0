// A session whole: its threads, their turns, their calls.
import { sumCosts } from '../../derive/index.ts';
import type { PricedUsage, PriceList } from '../../derive/index.ts';
import type { Call, CallStatus, Thread, Turn } from '../../domain/index.ts';
import { addUsage, noUsage } from '../../domain/index.ts';
import type { Connection } from '../connection.ts';
import type { SessionRow, ThreadRow, TurnRow } from '../rows.ts';
import { shortenIds } from '../short-id.ts';
import { describeSession } from './list-sessions.ts';
import type { ListedSession } from './list-sessions.ts';
import { readLiveRuns } from './live-runs.ts';
import { readCalls, upcomingTurnId } from './read-calls.ts';
import type { PlacedCall } from './read-calls.ts';
import { toCostFields } from './read-spending.ts';

export interface RecordedSession {
  readonly session: ListedSession;
  readonly threads: readonly Thread[];
  /** Short forms of the turns' and calls' ids. */
  readonly shortIds: ReadonlyMap<string, string>;
}

/** Of one moment: a recorder may be writing meanwhile. */
export function readSession(connection: Connection, sessionId: string, prices: PriceList): Promise<RecordedSession> {
  return connection.snapshot(() => read(connection, sessionId, prices));
}

async function read(connection: Connection, sessionId: string, prices: PriceList): Promise<RecordedSession> {
  const live = await readLiveRuns(connection);
  const row = (await connection.get<SessionRow>('SELECT * FROM sessions WHERE id = ?', [sessionId]))!;
  const session = await describeSession(connection, row, live, prices);
  const threadRows = await connection.all<ThreadRow>(
    'SELECT * FROM threads WHERE session_id = ? ORDER BY parent_thread_id IS NOT NULL, started_at, rowid',
    [sessionId],
  );
  const turnRows = await connection.all<TurnRow>(
    'SELECT * FROM turns WHERE session_id = ? ORDER BY started_at, rowid',
    [sessionId],
  );
  const calls = await readCalls(connection, sessionId, live);
  const threads = threadRows.map((thread) => ({
    id: thread.id,
    parentThreadId: thread.parent_thread_id,
    agentName: thread.agent_name,
    turns: [
      ...turnRows
        .filter((turn) => turn.thread_id === thread.id)
        .map((turn) =>
          toTurn(
            turn,
            calls.filter((call) => call.threadId === thread.id && call.turnId === turn.id),
            prices,
          ),
        ),
      ...upcomingTurn(
        thread.id,
        calls.filter((call) => call.threadId === thread.id && call.turnId === null),
        prices,
      ),
    ],
  }));
  const turnIds = turnRows.map(({ id }) => id);
  const callIds = calls.map(({ call }) => call.id);
  const shortIds = new Map([
    ...(await shortenIds(connection, 'turn', turnIds)),
    ...(await shortenIds(connection, 'call', callIds)),
  ]);
  return { session, threads, shortIds };
}

function toTurn(
  row: Pick<TurnRow, 'id' | 'thread_id' | 'prompt' | 'started_at'>,
  calls: readonly PlacedCall[],
  prices: PriceList,
): Turn {
  const status = statusOf(calls.map(({ call }) => call));
  const ends = calls.map(({ endedAt }) => endedAt).filter((end) => end !== null);
  const endedAt = status === 'streaming' ? null : (ends.toSorted().at(-1) ?? null);
  return {
    id: row.id,
    threadId: row.thread_id,
    prompt: row.prompt,
    status,
    startedAt: row.started_at,
    endedAt,
    durationMs: endedAt === null ? null : Math.max(0, Date.parse(endedAt) - Date.parse(row.started_at)),
    usage: calls.reduce((sum, { call }) => addUsage(sum, call.usage), noUsage),
    ...toCostFields(sumCosts(prices, calls.flatMap(toSpending))),
    calls: calls.map(({ call }) => call),
  };
}

function toSpending({ call: { model, startedAt, usage } }: PlacedCall): PricedUsage[] {
  return usage === null ? [] : [{ model, startedAt, callInputTokens: usage.inputTokens, usage }];
}

/** Prewarms that no turn has followed yet are shown, but are no turn in any count. */
function upcomingTurn(threadId: string, calls: readonly PlacedCall[], prices: PriceList): Turn[] {
  const [first] = calls;
  if (first === undefined) return [];
  const row = { id: upcomingTurnId(threadId), thread_id: threadId, prompt: null, started_at: first.call.startedAt };
  return [toTurn(row, calls, prices)];
}

/** A turn went as its last call did; a prewarm says nothing about it. */
function statusOf(calls: readonly Call[]): CallStatus {
  if (calls.some((call) => call.status === 'streaming')) return 'streaming';
  return (calls.findLast((call) => call.kind !== 'prewarm') ?? calls.at(-1))?.status ?? 'interrupted';
}
