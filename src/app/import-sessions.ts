// `tapes import`: what `tapes export` wrote, from a file or a pipe.
import { createReadStream } from 'node:fs';

import { TapesError } from '../errors.ts';
import type { ImportReport } from '../store/index.ts';
import { importSessions, splitLines } from '../store/index.ts';
import type { PlaceOptions } from './home.ts';
import { findPlaces, prepareHome } from './home.ts';

/** `file`: `-` for `stdin`. Throws E_FILE_UNUSABLE, E_IMPORT_NEWER, E_IMPORT_DAMAGED, E_HOME_NOT_WRITABLE, E_DB_…. */
export async function importFrom(
  places: PlaceOptions,
  file: string,
  stdin: AsyncIterable<Uint8Array>,
): Promise<ImportReport> {
  const { dbFile, home } = findPlaces(places);
  await prepareHome(home);
  return importSessions(dbFile, splitLines(readBytes(file, stdin), file === '-' ? 'stdin' : file));
}

async function* readBytes(file: string, stdin: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array> {
  try {
    yield* file === '-' ? stdin : (createReadStream(file) as AsyncIterable<Uint8Array>);
  } catch (error) {
    throw new TapesError(
      'E_FILE_UNUSABLE',
      `${file} cannot be read: ${error instanceof Error ? error.message : String(error)}`,
      { hint: 'name a file that tapes export wrote, or - for stdin', cause: error },
    );
  }
}
