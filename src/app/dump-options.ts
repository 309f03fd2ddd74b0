// What the options of dumps say, read in one place for `tapes dump` and for `--dump`.
import { dumpFormats, shownBodies, type DumpFormat, type ShownBodies } from '../dump/index.ts';
import { TapesError } from '../errors.ts';

export { formatOfFile } from '../dump/index.ts';

/** Throws E_USAGE. */
export function readFormat(given: string, id: string): DumpFormat {
  const format = dumpFormats.find((name) => name === given);
  if (format !== undefined) return format;
  throw new TapesError('E_USAGE', `--format ${given} is not known: tapes dumps ${dumpFormats.join(', ')}`, {
    hint: `tapes dump ${id} --format text`,
  });
}

/** Throws E_USAGE. */
export function readBodies(given: string): ShownBodies {
  const shown = shownBodies.find((name) => name === given);
  if (shown !== undefined) return shown;
  throw new TapesError('E_USAGE', `--dump-bodies ${given} is not known: it is one of ${shownBodies.join(', ')}`, {
    hint: 'use --dump-bodies full, or leave it out',
  });
}
