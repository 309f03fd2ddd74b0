// What the options of dumps say, read in one place for `tapes dump` and for `--dump`.
import { dumpFormats, shownBodies, type DumpFormat, type ShownBodies } from '../dump/index.ts';
import { TapesError } from '../errors.ts';
import type { DumpRequest } from './live-dump.ts';

export { formatOfFile } from '../dump/index.ts';

export interface LiveDumpFlags {
  readonly dump: readonly string[];
  readonly force?: boolean;
  readonly dumpBodies: string;
  readonly dumpSecrets?: boolean;
  readonly dumpZstd?: boolean;
  readonly dumpMaxBytes?: number;
  readonly dumpFiles?: number;
  readonly dumpTls?: string;
  readonly keylog?: string;
}

/** Throws E_USAGE. */
export function readDumpRequest(
  flags: LiveDumpFlags,
  environment: Readonly<Record<string, string | undefined>>,
  isOnTerminal: boolean,
): DumpRequest {
  const { dump: paths, force = false, dumpSecrets: keepSecrets = false, dumpZstd: keepZstd = false } = flags;
  const { dumpMaxBytes: maxBytes, dumpFiles: maxFiles } = flags;
  if (maxFiles !== undefined && maxBytes === undefined) {
    throw new TapesError('E_USAGE', '--dump-files needs to know when a file is full', {
      hint: `add a size: --dump-max-bytes 100MB --dump-files ${maxFiles}`,
    });
  }
  return {
    paths,
    force,
    bodies: readBodies(flags.dumpBodies),
    keepSecrets,
    keepZstd,
    rotation: maxBytes === undefined ? null : { maxBytes, maxFiles: maxFiles ?? null },
    tlsPath: flags.dumpTls ?? null,
    keyLogPath: (flags.keylog ?? environment['SSLKEYLOGFILE']) || null,
    isOnTerminal,
  };
}

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

/** What the user must know of the files that are asked for, each time. */
export function dumpWarnings({ keepSecrets, paths, tlsPath, keyLogPath }: DumpRequest): string[] {
  return [
    ...(keepSecrets && paths.length > 0 ? ['the dump will hold your login as it is sent; keep it to yourself'] : []),
    ...(tlsPath === null
      ? []
      : [`${tlsPath} will hold the keys of its connections, and so your login; keep it to yourself`]),
    ...(keyLogPath === null
      ? []
      : [`${keyLogPath} gets the keys of this run's connections; with a capture they show your login`]),
  ];
}
