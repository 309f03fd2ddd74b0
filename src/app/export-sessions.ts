// `tapes export`: sessions into a file, which is whole or not there at all, or to whoever reads the lines.
import { existsSync } from 'node:fs';
import { open, rename, rm } from 'node:fs/promises';

import { newId } from '../domain/index.ts';
import { TapesError } from '../errors.ts';
import type { ExportReport } from '../store/index.ts';
import { exportSessions } from '../store/index.ts';
import { tapesVersion } from '../version.ts';
import type { PlaceOptions } from './home.ts';
import { findPlaces } from './home.ts';

/** Throws E_NOT_FOUND, E_AMBIGUOUS, E_SESSION_ACTIVE, E_DB_…, and what `write` throws. */
export function exportTo(
  places: PlaceOptions,
  ids: readonly string[],
  write: (line: string) => Promise<void>,
): Promise<ExportReport> {
  const about = { tapesVersion: tapesVersion(), exportedAt: new Date().toISOString() };
  return exportSessions(findPlaces(places).dbFile, ids, about, write);
}

/** Besides those above, throws E_FILE_EXISTS, E_FILE_UNUSABLE. */
export async function exportToFile(
  places: PlaceOptions,
  ids: readonly string[],
  file: string,
  force: boolean,
): Promise<ExportReport> {
  if (!force && existsSync(file)) {
    throw new TapesError('E_FILE_EXISTS', `${file} is there already`, {
      hint: 'name another file with -o, or replace it with: --force',
    });
  }
  const draft = `${file}.${newId()}.part`;
  try {
    const handle = await open(draft, 'wx', 0o600).catch((error: unknown) => {
      throw unwritable(file, error);
    });
    let report: ExportReport;
    try {
      report = await exportTo(places, ids, async (line) => {
        await handle.writeFile(line).catch((error: unknown) => {
          throw unwritable(file, error);
        });
      });
    } finally {
      await handle.close();
    }
    await rename(draft, file).catch((error: unknown) => {
      throw unwritable(file, error);
    });
    return report;
  } finally {
    await rm(draft, { force: true });
  }
}

const unwritable = (file: string, error: unknown): TapesError =>
  new TapesError(
    'E_FILE_UNUSABLE',
    `${file} cannot be written: ${error instanceof Error ? error.message : String(error)}`,
    {
      hint: 'name another file with -o, or write to stdout with: -o -',
      cause: error,
    },
  );
