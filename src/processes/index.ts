// The door of processes/: whether a process is there, whether it is still the same, and what the system tells of it; and threads of our own.
export { isAlive } from './is-alive.ts';
export { findPeerProcess, listProcesses, readProcess } from './process-facts.ts';
export type { ProcessFacts } from './process-facts.ts';
export { describeProcess, isProcessAlive } from './same-process.ts';
export type { RunProcess } from './same-process.ts';
export { startThread } from './start-thread.ts';
