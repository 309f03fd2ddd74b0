// `tapes prune`, on the database: choose, plan, remove, give the space back.
import { statSync } from 'node:fs';

import { TapesError } from '../../errors.ts';
import type { Connection } from '../connection.ts';
import { openForReading, openForWriting } from '../open-database.ts';
import { findRecording } from '../queries/find-recording.ts';
import type { PrunePlan } from './prune-plan.ts';
import { listLiveSessions, listPrunable, openPlans, planPrune } from './prune-plan.ts';
import { giveSpaceBack, removePlanned } from './remove-planned.ts';

export type PruneCriterion =
  | { readonly type: 'olderThan'; readonly before: string }
  | { readonly type: 'keepBytes'; readonly bytes: number }
  | { readonly type: 'session'; readonly id: string };

export interface PruneReport extends PrunePlan {
  readonly dryRun: boolean;
  /** Sessions that a run is recording now: they are left alone. */
  readonly activeSessions: number;
  /** The database with its write-ahead log; `after` is null where nothing was removed. */
  readonly fileBytesBefore: number;
  readonly fileBytesAfter: number | null;
}

/** Throws E_NOT_FOUND, E_AMBIGUOUS, E_SESSION_ACTIVE, E_DB_…. */
export async function pruneRecordings(
  dbFile: string,
  criterion: PruneCriterion,
  dryRun: boolean,
): Promise<PruneReport> {
  // Also where something is removed: it says so if there is no database yet.
  const reader = await openForReading(dbFile);
  if (dryRun) return closing(reader, () => prune(reader, dbFile, criterion, true));
  await reader.close();
  const connection = await openForWriting(dbFile, 30_000);
  return closing(connection, () => prune(connection, dbFile, criterion, false));
}

async function closing<T>(connection: Connection, work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } finally {
    await connection.close();
  }
}

async function prune(
  connection: Connection,
  dbFile: string,
  criterion: PruneCriterion,
  dryRun: boolean,
): Promise<PruneReport> {
  const fileBytesBefore = fileBytes(dbFile);
  await openPlans(connection);
  const before = criterion.type === 'olderThan' ? criterion.before : null;
  const activeSessions = (await listLiveSessions(connection)).length;
  let total = await choose(connection, criterion, before);
  if (dryRun) return { dryRun, ...total, activeSessions, fileBytesBefore, fileBytesAfter: null };
  await removePlanned(connection);
  await giveSpaceBack(connection);
  // What a plan says of a file's size is an estimate: where it is still too large, the next sessions go.
  while (criterion.type === 'keepBytes' && (await readUsedBytes(connection)) > criterion.bytes) {
    const more = await choose(connection, criterion, before);
    if (more.sessions === 0) break;
    total = addPlans(total, more);
    await removePlanned(connection);
    await giveSpaceBack(connection);
  }
  return { dryRun, ...total, activeSessions, fileBytesBefore, fileBytesAfter: fileBytes(dbFile) };
}

async function choose(connection: Connection, criterion: PruneCriterion, before: string | null): Promise<PrunePlan> {
  switch (criterion.type) {
    case 'olderThan':
      return planPrune(connection, await listPrunable(connection, before), before);
    case 'session':
      return planPrune(connection, [await findPrunable(connection, criterion.id)], before);
    case 'keepBytes':
      return planToFit(connection, criterion.bytes);
  }
}

async function findPrunable(connection: Connection, given: string): Promise<string> {
  const { id } = await findRecording(connection, given, ['session']);
  if (!(await listLiveSessions(connection)).includes(id)) return id;
  throw new TapesError('E_SESSION_ACTIVE', `session ${id} is being recorded by a run that is still going`, {
    hint: 'end the agent first; see which are running with: tapes runs',
  });
}

/** The fewest sessions, the longest idle first, without which the database fits. */
async function planToFit(connection: Connection, keepBytes: number): Promise<PrunePlan> {
  const sessions = await listPrunable(connection, null);
  const usedBytes = await readUsedBytes(connection);
  const contentBytes = await readContentBytes(connection);
  const fits = (plan: PrunePlan): boolean =>
    usedBytes - plan.contentBytes * (usedBytes / Math.max(1, contentBytes)) <= keepBytes;
  if (usedBytes <= keepBytes) return planPrune(connection, [], null);
  let [low, high] = [Math.min(1, sessions.length), sessions.length];
  while (low < high) {
    const middle = Math.floor((low + high) / 2);
    if (fits(await planPrune(connection, sessions.slice(0, middle), null))) high = middle;
    else low = middle + 1;
  }
  return planPrune(connection, sessions.slice(0, low), null);
}

async function readUsedBytes(connection: Connection): Promise<number> {
  return (await connection.get<{ bytes: number }>(
    `SELECT (page_count - freelist_count) * page_size AS bytes
     FROM pragma_page_count, pragma_freelist_count, pragma_page_size`,
  ))!.bytes;
}

async function readContentBytes(connection: Connection): Promise<number> {
  return (await connection.get<{ bytes: number }>(`
    SELECT (SELECT coalesce(sum(length(data)), 0) FROM bodies) + (SELECT coalesce(sum(length(data)), 0) FROM response_chunks)
      + (SELECT coalesce(sum(length(data)), 0) FROM items)
      + (SELECT coalesce(sum(octet_length(output) + octet_length(tool_outputs)), 0) FROM calls)
      + (SELECT coalesce(sum(octet_length(request_headers) + coalesce(octet_length(response_headers), 0)), 0)
         FROM exchanges)
      + (SELECT coalesce(sum(octet_length(headers)), 0) FROM header_parts) AS bytes`))!.bytes;
}

const addPlans = (a: PrunePlan, b: PrunePlan): PrunePlan => ({
  sessions: a.sessions + b.sessions,
  calls: a.calls + b.calls,
  exchanges: a.exchanges + b.exchanges,
  runs: a.runs + b.runs,
  items: a.items + b.items,
  contentBytes: a.contentBytes + b.contentBytes,
});

const fileBytes = (file: string): number =>
  [file, `${file}-wal`].reduce((sum, path) => sum + (statSync(path, { throwIfNoEntry: false })?.size ?? 0), 0);
