// The door of agents/: which agents there are, and what each one's traffic says about itself.
export { attributeRequest } from './attribute-request.ts';
export type { RequestOrigin } from './attribute-request.ts';
export type { CallIdentity } from './codex-identity.ts';
export { readCodexIdentity, readForkOrigin } from './codex-identity.ts';
export { detectAgent, findProfile, identityReaderOf, profiles } from './find-profile.ts';
export type { FoundAgent } from './find-profile.ts';
export type { AgentProfile, BackgroundRule, TrialRule } from './profile.ts';
