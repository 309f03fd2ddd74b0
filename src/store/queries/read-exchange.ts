// The exchange that a call went over: what was said around the bodies, secrets masked.
import type { RawHeaders } from '../../domain/index.ts';
import type { Connection } from '../connection.ts';
import type { ExchangeRow } from '../rows.ts';
import { readHeaders } from '../header-parts.ts';
import type { BodyFacts } from './read-body-facts.ts';
import { readBodyFacts } from './read-body-facts.ts';

export interface RecordedExchange {
  readonly id: string;
  readonly runId: string;
  readonly method: string;
  readonly url: string;
  readonly httpVersion: string;
  readonly requestHeaders: RawHeaders;
  readonly status: number | null;
  readonly reason: string | null;
  readonly responseHeaders: RawHeaders | null;
  readonly outcome: string;
  readonly startedAt: string;
  readonly durationMs: number | null;
  readonly request: BodyFacts | null;
  readonly response: BodyFacts | null;
}

export async function readExchangeOf(connection: Connection, callId: string): Promise<RecordedExchange | null> {
  const row = await connection.get<ExchangeRow>(
    'SELECT exchanges.* FROM exchanges JOIN calls ON calls.exchange_id = exchanges.id WHERE calls.id = ?',
    [callId],
  );
  if (row === undefined) return null;
  const headers = await readHeaders(connection, row);
  const usualPort = row.scheme === 'http' || row.scheme === 'ws' ? 80 : 443;
  return {
    id: row.id,
    runId: row.run_id,
    method: row.method,
    url: `${row.scheme}://${row.host}${row.port === usualPort ? '' : `:${row.port}`}${row.path}`,
    httpVersion: row.http_version,
    requestHeaders: headers.request,
    status: row.status,
    reason: row.reason,
    responseHeaders: headers.response,
    outcome: row.outcome,
    startedAt: row.started_at,
    durationMs: row.ended_ms === null ? null : Math.round(row.ended_ms * 10) / 10,
    request: await readBodyFacts(connection, callId, 'request'),
    response: await readBodyFacts(connection, callId, 'response'),
  };
}
