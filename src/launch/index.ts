// The door of launch/: finding, probing and running the child.
export { runChild } from './child.ts';
export type { ChildCommand, ChildResult } from './child.ts';
export { buildChildEnvironment } from './environment.ts';
export { findCommand } from './find-command.ts';
export { watchTerminal } from './gone-terminal.ts';
export { probeCommand } from './probe.ts';
export { findPeerProcess, listProcesses, readProcess } from './process-facts.ts';
export type { ProcessFacts } from './process-facts.ts';
