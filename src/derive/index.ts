// The door of derive/: what recordings mean, as pure functions that can be run again over old ones.
export type { AnswerOutcome } from './answer.ts';
export { mapBody } from './body-map.ts';
export type { BodyMap } from './body-map.ts';
export { judgeItems, readPieces, shareOut } from './context.ts';
export type { ContextPart, ContextPiece, ItemState, PartShare } from './context.ts';
export { diffRequests } from './diff-requests.ts';
export type { ItemChange, RequestDiff, SettingChange } from './diff-requests.ts';
export type { TextChange, TextDiff } from './diff-text.ts';
export { comparePrefix } from './prefix.ts';
export type { PrefixChange, PrefixComparison } from './prefix.ts';
export { countNewItems, fillToolOutputs, toItem } from './item.ts';
export { judgeCall } from './outcome.ts';
export type { CallEnding } from './outcome.ts';
export { readPrompt } from './prompt.ts';
export { readRateLimits } from './rate-limits.ts';
export { isCallRequest, readRequestBody, retryKey } from './request.ts';
export type { InputItem, RequestReading } from './request.ts';
