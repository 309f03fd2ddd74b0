// A session's usage in the pieces that one price holds for: by model, day and size of input.
import type { Cost, PricedUsage } from '../../derive/index.ts';
import type { Connection } from '../connection.ts';

/** Which side of each threshold a call's input is on, as an SQL expression. */
function bandSql(thresholds: readonly number[]): string {
  return ['0', ...thresholds.map((threshold) => `(input_tokens > ${threshold})`)].join(' + ');
}

/** Any input size in the band. */
const sizeInBand = (band: number, thresholds: readonly number[]): number => (thresholds[band - 1] ?? -1) + 1;

interface SpendingRow {
  readonly model: string | null;
  readonly day: string;
  readonly band: number;
  readonly input: number;
  readonly cached: number;
  readonly output: number;
  readonly reasoning: number;
  readonly total: number;
}

/** Calls that reported no usage are left out. */
export async function readSpending(
  connection: Connection,
  sessionId: string,
  thresholds: readonly number[],
): Promise<PricedUsage[]> {
  const rows = await connection.all<SpendingRow>(
    `SELECT model, substr(started_at, 1, 10) AS day, ${bandSql(thresholds)} AS band,
       sum(input_tokens) AS input, coalesce(sum(cached_input_tokens), 0) AS cached,
       coalesce(sum(output_tokens), 0) AS output, coalesce(sum(reasoning_tokens), 0) AS reasoning,
       coalesce(sum(total_tokens), 0) AS total
     FROM calls WHERE session_id = ? AND input_tokens IS NOT NULL GROUP BY 1, 2, 3`,
    [sessionId],
  );
  return rows.map((row) => ({
    model: row.model,
    startedAt: row.day,
    callInputTokens: sizeInBand(row.band, thresholds),
    usage: {
      inputTokens: row.input,
      cachedInputTokens: row.cached,
      outputTokens: row.output,
      reasoningTokens: row.reasoning,
      totalTokens: row.total,
    },
  }));
}

/** As sessions and turns have it: what is only partly known is not passed off as the whole. */
export function toCostFields({ costUsd, unpricedModels }: Cost): Pick<Cost, 'costUsd'> & Partial<Cost> {
  return { costUsd, ...(unpricedModels.length > 0 && { unpricedModels }) };
}
