// What calls cost by a price list. A call without a price is never counted as free: a sum that one is missing from is null, and the
// models without a price are named.
import type { Usage } from '../domain/index.ts';
import { publishedPrices } from './prices.ts';
import type { Price } from './prices.ts';

export interface PriceList {
  readonly rows: ReadonlyMap<string, readonly Price[]>;
  /** Input sizes at which some price changes, ascending: calls between two of them may be priced by their sum. */
  readonly thresholds: readonly number[];
}

/** Calls that one price holds for: one model, one UTC day, input sizes between the same two thresholds. */
export interface PricedUsage {
  readonly model: string | null;
  /** When the calls began: ISO 8601, or its day alone. */
  readonly startedAt: string;
  /** Of any one of the calls; it says which side of the thresholds they are on. */
  readonly callInputTokens: number;
  /** Of all of the calls. */
  readonly usage: Usage;
}

export interface Cost {
  /** Null: some of it has no price, or there is no usage at all. */
  readonly costUsd: number | null;
  /** What is known of it. */
  readonly knownCostUsd: number;
  readonly unpricedModels: readonly string[];
}

/** A user's rows take the place of all published rows of the same model. */
export function makePriceList(own: readonly Price[] = []): PriceList {
  const owned = new Set(own.map(({ model }) => model));
  const all = [...own, ...publishedPrices.filter(({ model }) => !owned.has(model))];
  const thresholds = all.flatMap((row) =>
    [row.aboveInputTokens, row.upToInputTokens].filter((size) => size !== undefined),
  );
  const rows = new Map<string, Price[]>();
  for (const row of all) rows.set(row.model, [...(rows.get(row.model) ?? []), row]);
  return {
    rows,
    thresholds: [...new Set(thresholds)].toSorted((a, b) => a - b),
  };
}

/** The model by its exact name, else by its name without a date at the end ("gpt-6.1-sol-2026-09-29"). Nothing else is alike enough. */
export function findPrice(list: PriceList, priced: Omit<PricedUsage, 'usage'>): Price | null {
  const { model, startedAt, callInputTokens } = priced;
  if (model === null) return null;
  const rows = list.rows.get(model) ?? list.rows.get(model.replace(/-\d{4}-\d{2}-\d{2}$/, '')) ?? [];
  const day = startedAt.slice(0, 10);
  const holds = (row: Price): boolean =>
    (row.from === undefined || row.from <= day) &&
    (row.until === undefined || day <= row.until) &&
    callInputTokens > (row.aboveInputTokens ?? -1) &&
    callInputTokens <= (row.upToInputTokens ?? Infinity);
  return rows.find(holds) ?? null;
}

export function sumCosts(list: PriceList, calls: Iterable<PricedUsage>): Cost {
  const unpriced = new Set<string>();
  let known = 0;
  let isAny = false;
  for (const call of calls) {
    isAny = true;
    const { inputTokens, cachedInputTokens, outputTokens } = call.usage;
    // Where nothing was used there is nothing to pay: a prewarm needs no price.
    if (inputTokens === 0 && outputTokens === 0) continue;
    const price = findPrice(list, call);
    if (price === null) {
      unpriced.add(call.model ?? 'unknown');
      continue;
    }
    // Cached tokens are among the input tokens, reasoning tokens among the output tokens.
    known +=
      Math.max(0, inputTokens - cachedInputTokens) * price.inputUsd +
      cachedInputTokens * price.cachedInputUsd +
      outputTokens * price.outputUsd;
  }
  const knownCostUsd = roundUsd(known / 1_000_000);
  return {
    costUsd: isAny && unpriced.size === 0 ? knownCostUsd : null,
    knownCostUsd,
    unpricedModels: [...unpriced].toSorted(),
  };
}

/** To a millionth of a dollar: the sums of binary fractions show no tail. */
const roundUsd = (usd: number): number => Math.round(usd * 1_000_000) / 1_000_000;
