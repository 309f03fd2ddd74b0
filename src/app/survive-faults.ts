// While an agent runs, a fault of ours must not take its connections down: an exception that nobody caught is kept, and told at the end.
// What it interrupted is one connection at the most; ending the process would be all of them.

export interface Faults {
  /** One sentence each; the same fault once. */
  readonly list: ReadonlySet<string>;
  stop(): void;
}

const keptFaults = 5;

/** From now on the process survives what nobody catches. */
export function surviveFaults(): Faults {
  const list = new Set<string>();
  const keep = (error: unknown): void => {
    if (list.size >= keptFaults) return;
    const at = error instanceof Error ? /\n\s+at ([^\n]+)/.exec(error.stack ?? '')?.[1] : undefined;
    const message = error instanceof Error ? error.message : String(error);
    list.add(
      `a fault in tapes was survived: ${message}${at === undefined ? '' : ` (at ${at.replace(/\(?(file:\/\/)?\/.*\/(dist|src|node_modules)\//, '$2/').replace(/\)$/, '')})`}`,
    );
  };
  process.on('uncaughtException', keep);
  process.on('unhandledRejection', keep);
  return {
    list,
    stop() {
      process.off('uncaughtException', keep);
      process.off('unhandledRejection', keep);
    },
  };
}
