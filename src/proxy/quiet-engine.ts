// The engine writes what it meets to the console (a client that hangs up, a refused upgrade): on a terminal that belongs to the agent.
// Its lines are kept aside instead, the last ones only.

const keptLines = 20;

/** Takes the console away from the engine, for the rest of the process. Returns the last lines that it would have written. */
export function quietEngine(target: Console = console): { readonly lines: readonly string[] } {
  const lines: string[] = [];
  const keep = (...words: unknown[]): void => {
    lines.push(words.map((word) => (word instanceof Error ? word.message : String(word))).join(' '));
    if (lines.length > keptLines) lines.shift();
  };
  for (const name of ['log', 'info', 'warn', 'error', 'debug', 'trace'] as const) target[name] = keep;
  return { lines };
}
