// `tapes dump`: what was recorded, as a file for Wireshark, a browser or a person. The same writers as of a live dump, fed from the database.
import { existsSync } from 'node:fs';
import { open, rename, rm } from 'node:fs/promises';
import { arch, release, type } from 'node:os';

import { newId } from '../domain/index.ts';
import {
  openDumpWriter,
  type DumpFormat,
  type DumpOrigin,
  type ExchangeLabel,
  type ShownBodies,
} from '../dump/index.ts';
import { TapesError } from '../errors.ts';
import { withLibrary, type Library, type WireExchange, type WireScope } from '../store/index.ts';
import { tapesVersion } from '../version.ts';
import type { PlaceOptions } from './home.ts';
import { findPlaces } from './home.ts';
import { rebuildWire } from './rebuild-wire.ts';

export interface DumpOptions {
  readonly format: DumpFormat;
  readonly bodies: ShownBodies;
  /** pcapng: leave zstd on bodies, for a Wireshark that knows it. */
  readonly keepZstd: boolean;
}

export interface DumpReport {
  readonly exchanges: number;
  readonly bytes: number;
}

const noLengths =
  'An earlier tapes recorded this and did not keep how long secrets in heads were: masks there are shorter or longer than on the wire';

type Write = (bytes: Uint8Array) => Promise<void>;

/** Throws E_NOT_FOUND, E_AMBIGUOUS, E_BODY_DAMAGED, E_DB_…, and what `write` throws. */
export function dumpTo(places: PlaceOptions, id: string, options: DumpOptions, write: Write): Promise<DumpReport> {
  return withLibrary(findPlaces(places).dbFile, (library) => dumpFrom(library, id, options, write));
}

/** Besides those above, throws E_FILE_EXISTS, E_FILE_UNUSABLE. The file is whole, or not there at all. */
export async function dumpToFile(
  places: PlaceOptions,
  id: string,
  options: DumpOptions,
  file: string,
  force: boolean,
): Promise<DumpReport> {
  if (!force && existsSync(file)) {
    throw new TapesError('E_FILE_EXISTS', `${file} is there already`, {
      hint: 'name another file with -o, or replace it with: --force',
    });
  }
  const draft = `${file}.${newId()}.part`;
  const unusable = (error: unknown): never => {
    throw new TapesError('E_FILE_UNUSABLE', `${file} cannot be written: ${(error as Error).message}`, {
      hint: 'name another file with -o, or write to stdout with: -o -',
      cause: error,
    });
  };
  try {
    const handle = await open(draft, 'wx', 0o600).catch(unusable);
    let report: DumpReport;
    try {
      report = await dumpTo(places, id, options, async (bytes) => {
        await handle.writeFile(bytes).catch(unusable);
      });
    } finally {
      await handle.close();
    }
    await rename(draft, file).catch(unusable);
    return report;
  } finally {
    await rm(draft, { force: true });
  }
}

async function dumpFrom(library: Library, id: string, options: DumpOptions, write: Write): Promise<DumpReport> {
  const found = await library.find(id, ['session', 'call', 'run']);
  const scope = { kind: found.kind, id: found.id } as WireScope;
  const labels = new Map<string, ExchangeLabel>();
  const writer = openDumpWriter(options.format, {
    origin: await readOrigin(library, scope),
    labelOf: (exchangeId) => labels.get(exchangeId) ?? null,
    hasProviderLeg: await library.hasProviderSide(scope),
    ...options,
  });
  let [bytes, exchanges] = [0, 0];
  const put = async (piece: Uint8Array): Promise<void> => {
    bytes += piece.length;
    if (piece.length > 0) await write(piece);
  };
  const onExchange = (exchange: WireExchange, isOver: boolean): void => {
    if (isOver) {
      labels.delete(exchange.id);
      return;
    }
    exchanges += 1;
    const [call] = exchange.calls;
    if (call !== undefined) labels.set(exchange.id, { callId: call.id, turnId: call.turnId });
  };
  await put(writer.start());
  for await (const event of rebuildWire(library, scope, onExchange)) await put(await writer.write(event));
  await put(await writer.finish(true));
  await put(writer.tail);
  return { exchanges, bytes };
}

async function readOrigin(library: Library, scope: WireScope): Promise<DumpOrigin> {
  const run = await library.readWireOrigin(scope);
  return {
    version: run?.version ?? tapesVersion(),
    hostname: run?.hostname ?? '',
    os: `${type()} ${release()}`,
    hardware: arch(),
    command: run?.argv.join(' ') ?? '',
    runId: run?.runId ?? null,
    ...((await library.hasMarkLengths(scope)) ? {} : { note: noLengths }),
  };
}
