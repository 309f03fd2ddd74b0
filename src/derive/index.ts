// The door of derive/: what recordings mean, as pure functions that can be run again over old ones.
export type { AnswerOutcome } from './answer.ts';
export { makePriceList, sumCosts } from './cost.ts';
export type { Cost, PricedUsage, PriceList } from './cost.ts';
export { countNewItems, fillToolOutputs, toItem } from './item.ts';
export { judgeCall } from './outcome.ts';
export type { CallEnding } from './outcome.ts';
export { readPriceFile } from './price-file.ts';
export { readPrompt } from './prompt.ts';
export { readRateLimits } from './rate-limits.ts';
export { isCallRequest, readRequestBody, retryKey } from './request.ts';
export type { InputItem, RequestReading } from './request.ts';
export { toMatch, readSearchTerms } from './search-query.ts';
export { toSearchEntry, toSentEntry } from './searchable.ts';
export type { SearchEntry } from './searchable.ts';
export { sumStats } from './stats.ts';
export type { CallGroup, StatsSums, Sums } from './stats.ts';
