// The door of store/: the recorder that writes, and the library that reads.
export { withLibrary } from './library.ts';
export type { Library } from './library.ts';
export type { FoundRecording } from './queries/find-recording.ts';
export type { RunFilter } from './queries/list-runs.ts';
export type { ListedSession, SessionFilter } from './queries/list-sessions.ts';
export type { BodySide } from './body-reader.ts';
export type { BodyFacts } from './queries/read-body-facts.ts';
export type { ActiveCall, ActivityMark } from './queries/read-activity.ts';
export type { RecordedExchange } from './queries/read-exchange.ts';
export type { SeenRateLimits, StatsFilter, StorageSizes } from './queries/read-stats.ts';
export { pruneRecordings } from './prune/prune-recordings.ts';
export type { PruneCriterion, PruneReport } from './prune/prune-recordings.ts';
export { checkDatabaseFile } from './database-file.ts';
export { openRecorder } from './recorder/open-recorder.ts';
export type { RecorderReport, RunStart } from './recorder/recorder-types.ts';
