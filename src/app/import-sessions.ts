// `tapes import`: what `tapes export` wrote, from a file or a pipe.
import { createReadStream } from 'node:fs';

import { TapesError } from '../errors.ts';
import type { ImportReport } from '../store/index.ts';
import { importSessions } from '../store/index.ts';
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
  return importSessions(dbFile, readLines(readBytes(file, stdin)));
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

/** Lines end with a newline and nothing else: what JSON may hold (U+2028) ends none. */
async function* readLines(chunks: AsyncIterable<Uint8Array>): AsyncGenerator<string> {
  let parts: Uint8Array[] = [];
  for await (const chunk of chunks) {
    let from = 0;
    for (let end = chunk.indexOf(0x0a); end !== -1; end = chunk.indexOf(0x0a, from)) {
      yield Buffer.concat([...parts, chunk.subarray(from, end)]).toString('utf8');
      parts = [];
      from = end + 1;
    }
    if (from < chunk.length) parts.push(chunk.subarray(from));
  }
  if (parts.length > 0) yield Buffer.concat(parts).toString('utf8');
}
