// Carries out a plan while recorders may be at work: in short transactions, each of which looks first what has been recorded since.
// What a crash leaves undone is found by the next plan.
import type { Connection } from '../connection.ts';
import { keepUnseenCalls, partsOfExchanges } from './prune-plan.ts';

// A transaction of some ten milliseconds: a recorder waits that long.
const callsAtOnce = 200;
const hashesAtOnce = 2000;

export async function removePlanned(connection: Connection): Promise<void> {
  // What is gone is overwritten: a text that somebody wants gone is not left in the free parts of a page.
  await connection.exec('PRAGMA secure_delete = ON');
  await removeIn(connection, 'doomed_calls', 'id', callsAtOnce, async (group) => {
    await connection.exec(`DELETE FROM calls WHERE id IN (${group})`);
  });
  await removeIn(connection, 'doomed_exchanges', 'id', callsAtOnce, async (group) => {
    await connection.exec(`DELETE FROM exchanges WHERE id IN (${group})
      AND NOT EXISTS (SELECT 1 FROM calls WHERE exchange_id = exchanges.id)`);
  });
  // A recorder puts a connection again with each exchange that names it.
  await connection.transaction(async () => {
    await connection.exec(`DELETE FROM connections WHERE (run_id, number) NOT IN (
      SELECT run_id, agent_connection FROM exchanges WHERE agent_connection IS NOT NULL
      UNION SELECT run_id, provider_connection FROM exchanges WHERE provider_connection IS NOT NULL)`);
  });
  await removeIn(connection, 'doomed_runs', 'id', callsAtOnce, async (group) => {
    await connection.exec(`DELETE FROM runs WHERE id IN (${group})
      AND NOT EXISTS (SELECT 1 FROM exchanges WHERE run_id = runs.id)
      AND NOT EXISTS (SELECT 1 FROM calls WHERE run_id = runs.id)`);
  });
  await removeIn(connection, 'doomed_sessions', 'id', callsAtOnce, (group) => removeEmpty(connection, group));
  await removeIn(connection, 'doomed_nodes', 'hash', hashesAtOnce, async (group) => {
    await keepUnseenCalls(connection);
    await connection.exec(`DELETE FROM nodes WHERE hash IN (${group}) AND hash NOT IN (SELECT hash FROM kept_nodes)`);
  });
  await removeIn(connection, 'doomed_items', 'hash', hashesAtOnce, async (group) => {
    await keepUnseenCalls(connection);
    await connection.exec(`DELETE FROM items WHERE hash IN (${group}) AND hash NOT IN (SELECT hash FROM kept_items)`);
  });
  // A recorder may have named one of them since; it names and puts it in one transaction. To look takes 0.1 s on 100,000 exchanges.
  await removeIn(connection, 'doomed_header_parts', 'hash', hashesAtOnce, async (group) => {
    await connection.exec(`DELETE FROM header_parts WHERE hash IN (${group})
      AND hash NOT IN (${partsOfExchanges((column) => `${column} IN (${group})`)})`);
  });
}

/** A session that goes on in a run that began meanwhile keeps what that run needs. */
async function removeEmpty(connection: Connection, group: string): Promise<void> {
  await connection.exec(`
    DELETE FROM turns WHERE session_id IN (${group})
      AND NOT EXISTS (SELECT 1 FROM calls WHERE calls.thread_id = turns.thread_id AND calls.turn_id = turns.id);
    DELETE FROM threads WHERE session_id IN (${group})
      AND NOT EXISTS (SELECT 1 FROM calls WHERE calls.thread_id = threads.id)
      AND NOT EXISTS (SELECT 1 FROM turns WHERE turns.thread_id = threads.id);
    DELETE FROM sessions WHERE id IN (${group})
      AND NOT EXISTS (SELECT 1 FROM calls WHERE calls.session_id = sessions.id)
      AND NOT EXISTS (SELECT 1 FROM threads WHERE threads.session_id = sessions.id)
      AND NOT EXISTS (SELECT 1 FROM turns WHERE turns.session_id = sessions.id);`);
}

async function removeIn(
  connection: Connection,
  table: string,
  key: 'id' | 'hash',
  atOnce: number,
  remove: (group: string) => Promise<void>,
): Promise<void> {
  const group = `SELECT ${key} FROM ${table} ORDER BY ${key} LIMIT ${atOnce}`;
  for (;;) {
    const left = await connection.get(`SELECT 1 FROM ${table} LIMIT 1`);
    if (left === undefined) return;
    await connection.transaction(async () => {
      await remove(group);
      await connection.exec(`DELETE FROM ${table} WHERE ${key} IN (${group})`);
    });
  }
}

const pagesAtOnce = 2000;

/** Hands free pages back to the file system. Where a recorder or a reader is in the way, the file shrinks when it has gone on. */
export async function giveSpaceBack(connection: Connection): Promise<void> {
  for (let free = await readFreePages(connection); free > 0;) {
    await connection.exec(`PRAGMA incremental_vacuum(${pagesAtOnce})`);
    const left = await readFreePages(connection);
    if (left >= free) break;
    free = left;
  }
  await connection.get('PRAGMA wal_checkpoint(TRUNCATE)');
}

const readFreePages = async (connection: Connection): Promise<number> =>
  (await connection.get<{ pages: number }>('SELECT freelist_count AS pages FROM pragma_freelist_count'))!.pages;
