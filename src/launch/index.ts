// The door of launch/: finding, probing and running the child.
export { runChild } from './child.ts';
export type { ChildCommand, ChildResult } from './child.ts';
export { buildChildEnvironment } from './environment.ts';
export { findCommand } from './find-command.ts';
export { probeCommand } from './probe.ts';
