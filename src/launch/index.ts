// The door of launch/: finding, probing and running the child.
export { runChild } from './child.ts';
export type { ChildCommand, ChildResult } from './child.ts';
export { runBounded } from './bounded.ts';
export type { BoundedResult } from './bounded.ts';
export { buildChildEnvironment } from './environment.ts';
export { findCommand } from './find-command.ts';
export { watchTerminal } from './gone-terminal.ts';
export { probeCommand } from './probe.ts';
export type { ProbeResult } from './probe.ts';
