// The door of trust/, for the rest of ca/ and its door.
export { installInto, uninstallFrom, type Change } from './change-target.ts';
export { openLedger, readLedger, type Ledger, type LedgerEntry } from './ledger.ts';
export { planStore, planTarget } from './plan-trust.ts';
export { readFacts } from './read-facts.ts';
export { probe, type Presence } from './run-step.ts';
export { storeNames, type Facts, type PlanEntry, type RootToTrust, type StoreName } from './trust-plan.ts';
