// `tapes ca install`: has programs that tapes does not start itself trust the root. Each store is done on its own.
import { join } from 'node:path';

import {
  certificateFileOf,
  loadRoot,
  openLedger,
  planStore,
  readFacts,
  refuseUnusable,
  withLock,
  writeCertificateFile,
  type Facts,
  type RootCertificate,
  type RootToTrust,
  type StoreName,
} from '../ca/index.ts';
import { hasFailed, putInto, type StoreResult } from './change-trust.ts';
import { domainsOfAgents, openForAll, summarize, type RootSummary } from './create-ca.ts';
import { findPlaces, prepareHome, type PlaceOptions, type Places } from './home.ts';
import { unmadeRoot } from './unmade-root.ts';

export interface InstallCaOptions extends PlaceOptions {
  readonly stores: readonly StoreName[];
  readonly dryRun: boolean;
  /** Under WSL: Windows' own store as well. */
  readonly withWindows: boolean;
  readonly environment: Readonly<Record<string, string | undefined>>;
  readonly now?: Date;
  /** What this machine has; default: a look at it. */
  readonly facts?: Facts;
}

export interface InstallCaReport {
  /** Null in a dry run that would make one. */
  readonly root: RootSummary | null;
  readonly dryRun: boolean;
  readonly stores: readonly StoreResult[];
  /** What the user should know, one sentence each. */
  readonly warnings: readonly string[];
  readonly failed: boolean;
}

/** Throws where there can be no root at all; what goes wrong in a store is in the report. */
export async function installCa(options: InstallCaOptions): Promise<InstallCaReport> {
  const places = findPlaces(options, options.environment);
  if (options.dryRun) return install(places, options);
  await prepareHome(places.home);
  return withLock(places.caLockFile, () => install(places, options));
}

async function install(places: Places, options: InstallCaOptions): Promise<InstallCaReport> {
  const { dryRun, now = new Date() } = options;
  const facts = options.facts ?? (await readFacts(options));
  const ledger = await openLedger(places.ledgerFile);
  const found = dryRun ? await loadRoot(places.caFolder) : await openForAll(places, [], now);
  if (dryRun && found !== null) refuseUnusable(found, domainsOfAgents(), now);
  const root = await toTrust(places, found ?? unmadeRoot, dryRun);
  const stores: StoreResult[] = [];
  for (const store of options.stores) {
    for (const entry of planStore(store, facts, root)) {
      const result = await putInto(entry, root, { facts, ledger, caFolder: places.caFolder, dryRun, now });
      stores.push(found === null ? { ...result, fingerprint: null } : result);
    }
  }
  const warnings = warnOfSudo(facts, places, options.environment);
  return { root: found === null ? null : summarize(found), dryRun, stores, warnings, failed: hasFailed(stores) };
}

/** `sudo tapes ca install` has another home, so another root than the one that the user's own runs sign with. */
function warnOfSudo(facts: Facts, { home }: Places, environment: InstallCaOptions['environment']): readonly string[] {
  const user = environment['SUDO_USER'];
  if (!facts.isRoot || user === undefined || user === '' || user === 'root') return [];
  return [`this is the root in ${home}, and not that of ${user}: tapes asks for sudo itself, run it as ${user}`];
}

async function toTrust(places: Places, certificate: RootCertificate, dryRun: boolean): Promise<RootToTrust> {
  const certificateFile = dryRun
    ? certificateFileOf(places.caFolder, certificate)
    : await writeCertificateFile(places.caFolder, certificate);
  return { certificate, certificateFile, trustedFile: join(places.caFolder, 'root.pem') };
}
