// What a trial has left in its database, read back as `tapes show` would read it.
import type { Call } from '../../domain/index.ts';
import { withLibrary, type RecorderReport } from '../../store/index.ts';

export interface Recorded {
  readonly calls: readonly Call[];
  /** What the recorder says was lost, and why; or why the database cannot be read. */
  readonly problems: readonly string[];
}

export async function readRecorded(dbFile: string, report: RecorderReport | null): Promise<Recorded> {
  const problems = report?.problems ?? ['there is no report'];
  try {
    const calls = await withLibrary(dbFile, async (library) => {
      const sessions = await library.listSessions({ limit: 10, all: true });
      const read = await Promise.all(sessions.map(({ id }) => library.readSession(id)));
      return read.flatMap(({ threads }) => threads.flatMap(({ turns }) => turns.flatMap((turn) => turn.calls)));
    });
    return { calls, problems };
  } catch (error) {
    return { calls: [], problems: [...problems, error instanceof Error ? error.message : String(error)] };
  }
}
