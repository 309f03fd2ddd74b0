// The door of ca/: the root, and what an agent is told to trust.
export { loadRoot, openRoot, permits } from './root.ts';
export type { Root } from './root.ts';
export { readCertificates, writeBundle } from './trust-bundle.ts';
export { makeThrowAwayRoot, makeThrowAwayServer } from './throw-away.ts';
