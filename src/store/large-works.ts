// What changes or moves whole recordings, loaded when it is asked for: a question (`tapes sessions`, `tapes stats` …) needs none of it,
// and is answered 15 ms earlier.
import type { exportSessions as Export } from './transfer/export-sessions.ts';
import type { importSessions as Import } from './transfer/import-sessions.ts';
import type { pruneRecordings as Prune } from './prune/prune-recordings.ts';
import type { rederive as Rederive } from './rederive.ts';
import type { verifyRecordings as Verify } from './verify.ts';

/** Of each the same as in its own file. */
export const exportSessions: typeof Export = async (...given) =>
  (await import('./transfer/export-sessions.ts')).exportSessions(...given);

export const importSessions: typeof Import = async (...given) =>
  (await import('./transfer/import-sessions.ts')).importSessions(...given);

export const pruneRecordings: typeof Prune = async (...given) =>
  (await import('./prune/prune-recordings.ts')).pruneRecordings(...given);

export const rederive: typeof Rederive = async (...given) => (await import('./rederive.ts')).rederive(...given);

export const verifyRecordings: typeof Verify = async (...given) =>
  (await import('./verify.ts')).verifyRecordings(...given);
