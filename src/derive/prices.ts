// What models cost: US dollars per million tokens, standard service tier, as published. The one place for prices: each row says where
// its numbers were read and when. A model that is not here has no price; $TAPES_HOME/prices.json names it (docs/cli.md).
// The 272,000 tokens are OpenAI's line between short and long context: above it the whole request costs more. Where a source gives the
// short-context price alone, the row ends there, and a longer request has no price.

/** Holds for calls that started from `from` to `until` (UTC days, both included) with more than `aboveInputTokens` and at most `upToInputTokens`. */
export interface Price {
  readonly model: string;
  readonly inputUsd: number;
  readonly cachedInputUsd: number;
  readonly outputUsd: number;
  readonly from?: string;
  readonly until?: string;
  readonly aboveInputTokens?: number;
  readonly upToInputTokens?: number;
  readonly source: string;
  /** The day on which `source` was published or read OpenAI's own page. */
  readonly dated: string;
}

const shortContext = { upToInputTokens: 272_000 } as const;
const longContext = { aboveInputTokens: 272_000 } as const;

// Each of these names https://developers.openai.com/api/docs/pricing or a page below it as what it was read from.
const sol61 = {
  source: 'https://github.com/KZCFG/AILSA-SubSwitch/releases/tag/v1.0.0-g',
  dated: '2026-10-01',
} as const;
const terra61 = { source: 'https://github.com/TheKrush/PromptFuel/releases/tag/v1.0.24', dated: '2026-10-27' } as const;
const gpt6 = { source: 'https://github.com/merefield/codexometer/releases/tag/v0.18.4', dated: '2026-09-22' } as const;
const gpt6Long = { source: 'https://github.com/BerriAI/litellm/discussions/42523', dated: '2026-09-22' } as const;
// Tells the cached price as 60 % below that of GPT-6 Astra. Of GPT-6.2 Sol, which came with it, no source found tells the cached price: it has none here.
const astra62 = { source: 'https://github.com/BerriAI/litellm/discussions/52347', dated: '2026-11-17' } as const;
const table = {
  source:
    'https://github.com/TheKrush/PromptFuel/blob/0b69d3500126fe8fbc97e49003f9e6a812a28368/data/model-pricing-estimates.csv',
} as const;
const july = { ...table, dated: '2026-07-09' } as const;
const june = { ...table, dated: '2026-06-04' } as const;
const september = { ...table, dated: '2026-09-06' } as const;

export const publishedPrices: readonly Price[] = [
  {
    model: 'gpt-6.2-astra',
    inputUsd: 8,
    cachedInputUsd: 0.4,
    outputUsd: 40,
    from: '2026-11-17',
    ...shortContext,
    ...astra62,
  },
  {
    model: 'gpt-6.1-sol',
    inputUsd: 2,
    cachedInputUsd: 0.1,
    outputUsd: 10,
    from: '2026-09-29',
    ...shortContext,
    ...sol61,
  },
  {
    model: 'gpt-6.1-sol',
    inputUsd: 4,
    cachedInputUsd: 0.2,
    outputUsd: 15,
    from: '2026-09-29',
    ...longContext,
    ...sol61,
  },
  {
    model: 'gpt-6.1-terra',
    inputUsd: 1,
    cachedInputUsd: 0.05,
    outputUsd: 5,
    from: '2026-10-26',
    ...shortContext,
    ...terra61,
  },
  {
    model: 'gpt-6-astra',
    inputUsd: 10,
    cachedInputUsd: 1,
    outputUsd: 50,
    from: '2026-09-03',
    ...shortContext,
    ...september,
  },
  { model: 'gpt-6-sol', inputUsd: 2, cachedInputUsd: 0.2, outputUsd: 10, from: '2026-09-22', ...shortContext, ...gpt6 },
  {
    model: 'gpt-6-sol',
    inputUsd: 4,
    cachedInputUsd: 0.4,
    outputUsd: 15,
    from: '2026-09-22',
    ...longContext,
    ...gpt6Long,
  },
  {
    model: 'gpt-6-luna',
    inputUsd: 0.1,
    cachedInputUsd: 0.01,
    outputUsd: 0.5,
    from: '2026-09-22',
    ...shortContext,
    ...gpt6,
  },
  {
    model: 'gpt-6-luna',
    inputUsd: 0.2,
    cachedInputUsd: 0.02,
    outputUsd: 0.75,
    from: '2026-09-22',
    ...longContext,
    ...gpt6Long,
  },
  {
    model: 'gpt-5.6-sol',
    inputUsd: 5,
    cachedInputUsd: 0.5,
    outputUsd: 30,
    from: '2026-07-09',
    until: '2026-08-20',
    ...shortContext,
    ...july,
  },
  // A promotion, promised until this day; what came after it has not been found.
  {
    model: 'gpt-5.6-sol',
    inputUsd: 4,
    cachedInputUsd: 0.4,
    outputUsd: 20,
    from: '2026-08-21',
    until: '2026-11-21',
    ...shortContext,
    ...september,
  },
  {
    model: 'gpt-5.6-terra',
    inputUsd: 2.5,
    cachedInputUsd: 0.25,
    outputUsd: 15,
    from: '2026-07-09',
    until: '2026-07-29',
    ...shortContext,
    ...july,
  },
  {
    model: 'gpt-5.6-terra',
    inputUsd: 2,
    cachedInputUsd: 0.2,
    outputUsd: 12,
    from: '2026-07-30',
    ...shortContext,
    ...september,
  },
  {
    model: 'gpt-5.6-luna',
    inputUsd: 1,
    cachedInputUsd: 0.1,
    outputUsd: 6,
    from: '2026-07-09',
    until: '2026-07-29',
    ...shortContext,
    ...july,
  },
  {
    model: 'gpt-5.6-luna',
    inputUsd: 0.2,
    cachedInputUsd: 0.02,
    outputUsd: 1.2,
    from: '2026-07-30',
    ...shortContext,
    ...september,
  },
  { model: 'gpt-5.5', inputUsd: 5, cachedInputUsd: 0.5, outputUsd: 30, ...shortContext, ...june },
  { model: 'gpt-5.4', inputUsd: 2.5, cachedInputUsd: 0.25, outputUsd: 15, ...shortContext, ...june },
  { model: 'gpt-5.4-mini', inputUsd: 0.75, cachedInputUsd: 0.075, outputUsd: 4.5, ...june },
  { model: 'gpt-5.4-nano', inputUsd: 0.2, cachedInputUsd: 0.02, outputUsd: 1.25, ...june },
  { model: 'gpt-5.3-codex', inputUsd: 1.75, cachedInputUsd: 0.175, outputUsd: 14, ...june },
  {
    model: 'gpt-5.1',
    inputUsd: 1.25,
    cachedInputUsd: 0.125,
    outputUsd: 10,
    source: 'https://koishiai.com/en/articles/openai-gpt-5-1-api-pricing-limits',
    dated: '2025-11-13',
  },
  {
    model: 'gpt-5-codex',
    inputUsd: 1.25,
    cachedInputUsd: 0.125,
    outputUsd: 10,
    source: 'https://developers.openai.com/api/docs/models/gpt-5-codex',
    dated: '2026-11-23',
  },
];
