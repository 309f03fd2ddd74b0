// The user's own prices, from their JSON: `{"model": {"input": 2, "cachedInput": 0.1, "output": 10}}`, US dollars per million tokens.
// A model may have a list of these, each for its time or its size of input.
import { isRecord } from './json.ts';
import type { JsonRecord } from './json.ts';
import type { Price } from './prices.ts';

const required = ['input', 'cachedInput', 'output'] as const;
const days = ['from', 'until'] as const;
const sizes = ['aboveInputTokens', 'upToInputTokens'] as const;
const known: ReadonlySet<string> = new Set([...required, ...days, ...sizes]);

/** `problem`: what is wrong and where, in words; null where nothing is. */
export function readPriceFile(text: string): { readonly prices: readonly Price[]; readonly problem: string | null } {
  let json: unknown;
  try {
    json = JSON.parse(text);
  } catch (error) {
    return { prices: [], problem: `it is no JSON: ${(error as Error).message}` };
  }
  if (!isRecord(json)) return { prices: [], problem: 'it is not an object of models' };
  const prices: Price[] = [];
  for (const [model, value] of Object.entries(json)) {
    const rows: readonly unknown[] = Array.isArray(value) ? value : [value];
    for (const [at, row] of rows.entries()) {
      const problem = isRecord(row) ? problemOf(row) : 'is not an object';
      const place = Array.isArray(value) ? `"${model}"[${at}]` : `"${model}"`;
      if (problem !== null) return { prices: [], problem: `${place} ${problem}` };
      prices.push(toPrice(model, row as OwnPrice));
    }
  }
  return { prices, problem: null };
}

type OwnPrice = Readonly<
  Record<(typeof required)[number], number> &
    Partial<Record<(typeof days)[number], string>> &
    Partial<Record<(typeof sizes)[number], number>>
>;

function problemOf(row: JsonRecord): string | null {
  const isAmount = (value: unknown): boolean => typeof value === 'number' && value >= 0;
  const isDay = (value: unknown): boolean => typeof value === 'string' && /^\d{4}-\d{2}-\d{2}$/.test(value);
  for (const key of required) {
    if (!isAmount(row[key])) return `needs "${key}", a number of US dollars per million tokens`;
  }
  for (const key of days)
    if (key in row && !isDay(row[key])) return `has a "${key}" that is no day such as "2026-11-23"`;
  for (const key of sizes) if (key in row && !isAmount(row[key])) return `has a "${key}" that is no number of tokens`;
  const odd = Object.keys(row).find((key) => !known.has(key));
  return odd === undefined ? null : `has "${odd}", which means nothing here`;
}

function toPrice(model: string, { input, cachedInput, output, ...limits }: OwnPrice): Price {
  return {
    model,
    inputUsd: input,
    cachedInputUsd: cachedInput,
    outputUsd: output,
    ...limits,
    source: 'prices.json',
    dated: limits.from ?? '',
  };
}
