// `tapes ca uninstall`: takes out of the trust stores exactly what install and rotate put there, as the ledger has it.
import { join } from 'node:path';

import {
  listUses,
  loadRoot,
  openLedger,
  readFacts,
  readNext,
  withLock,
  type Facts,
  type StoreName,
} from '../ca/index.ts';
import { hasFailed, takeOut, type StoreResult } from './change-trust.ts';
import { findPlaces, prepareHome, type PlaceOptions } from './home.ts';

export interface UninstallCaOptions extends PlaceOptions {
  /** Null: every store. */
  readonly stores: readonly StoreName[] | null;
  /** Only what a rotation left: roots before the one in use. */
  readonly earlier: boolean;
  readonly dryRun: boolean;
  readonly environment: Readonly<Record<string, string | undefined>>;
  readonly facts?: Facts;
}

export interface UninstallCaReport {
  readonly dryRun: boolean;
  readonly stores: readonly StoreResult[];
  /** Runs that sign with a root that was taken out: programs that trust it by a store refuse them from now on. */
  readonly affectedRuns: readonly number[];
  readonly caFolder: string;
  readonly failed: boolean;
}

/** Throws `E_LEDGER_UNREADABLE`, `E_CA_BUSY`; what goes wrong in a store is in the report. */
export async function uninstallCa(options: UninstallCaOptions): Promise<UninstallCaReport> {
  const { stores: wanted, earlier, dryRun, environment } = options;
  const places = findPlaces(options, environment);
  await prepareHome(places.home);
  return withLock(places.caLockFile, async () => {
    const ledger = await openLedger(places.ledgerFile);
    const facts = options.facts ?? (await readFacts({ environment }));
    // Neither the one in use nor the one that is to take its place.
    const staying = new Set(
      earlier
        ? [
            (await loadRoot(places.caFolder))?.fingerprint,
            (await readNext(places.caFolder, new Date()))?.certificate.fingerprint,
          ]
        : [],
    );
    const entries = ledger.entries.filter(
      ({ store, fingerprint }) => (wanted === null || wanted.includes(store)) && !staying.has(fingerprint),
    );
    const context = { facts, ledger, caFolder: places.caFolder, dryRun, now: new Date() };
    const stores: StoreResult[] = [];
    for (const entry of entries) stores.push(await takeOut(entry, join(places.caFolder, 'root.pem'), context));
    const gone = new Set(stores.filter(({ outcome }) => outcome === 'removed').map(({ fingerprint }) => fingerprint));
    const affectedRuns = (await listUses(places.caFolder))
      .filter((use) => gone.has(use.fingerprint))
      .map(({ pid }) => pid);
    return { dryRun, stores, affectedRuns, caFolder: places.caFolder, failed: hasFailed(stores) };
  });
}
