// `tapes ca rotate`: a new root in the place of the one in use, with no moment in which neither is trusted.
// 1. The file that agents are told to trust gets the new certificate besides the earlier ones.
// 2. The new root goes into every store that has the one in use. Where one fails, the others keep both, the one in use is used on, and the new one
//    waits: the next rotation goes on with it. Not where there is nothing to wait with: the one in use has expired, or is to be forgotten.
// 3. The key changes: from here on new runs sign with the new root.
// 4. The earlier root leaves the stores, unless a run still signs with it: its key is in that run's memory until it ends.
import { join } from 'node:path';

import {
  certificateFileOf,
  draftRoot,
  keepNext,
  listUses,
  loadRoot,
  openLedger,
  permits,
  planTarget,
  readFacts,
  readNext,
  readTrusted,
  useNext,
  withLock,
  writeCertificateFile,
  writeTrusted,
  type Facts,
  type LedgerEntry,
  type NewRoot,
  type Root,
  type RootCertificate,
  type RootToTrust,
} from '../ca/index.ts';
import { TapesError } from '../errors.ts';
import { hasFailed, putInto, takeOut, type StoreResult, type TrustContext } from './change-trust.ts';
import { readConstraints } from './choose-root.ts';
import { domainsOfAgents, summarize, type RootSummary } from './create-ca.ts';
import { findPlaces, prepareHome, type PlaceOptions, type Places } from './home.ts';
import { unmadeRoot } from './unmade-root.ts';

export interface RotateCaOptions extends PlaceOptions {
  /** What the new root permits besides what the one before did. */
  readonly hostNames: readonly string[];
  /** Agents stop trusting the earlier roots at once: for a key that may be in other hands. */
  readonly forget: boolean;
  /** The new root is used also where a store could not take it. */
  readonly anyway: boolean;
  readonly dryRun: boolean;
  readonly environment: Readonly<Record<string, string | undefined>>;
  readonly now?: Date;
  readonly facts?: Facts;
}

export interface RotateCaReport {
  readonly dryRun: boolean;
  /** The new root, in use; null in a dry run, and where it waits. */
  readonly root: RootSummary | null;
  /** The new root where it waits: a store could not take it, and the one before is used on. */
  readonly waiting: RootSummary | null;
  readonly permittedDomains: readonly string[];
  /** SHA-256 of the root before; null where there was none that could be used. */
  readonly previous: string | null;
  readonly stores: readonly StoreResult[];
  /** Runs that sign with an earlier root until they end. */
  readonly runsOnEarlier: readonly number[];
  readonly failed: boolean;
}

/** Throws `E_CA_BUSY`, `E_LEDGER_UNREADABLE`, `E_HOST_NAME_INVALID`, `E_HOME_NOT_WRITABLE`; what goes wrong in a store is in the report. */
export async function rotateCa(options: RotateCaOptions): Promise<RotateCaReport> {
  const places = findPlaces(options, options.environment);
  const wanted = await readConstraints(options.hostNames);
  await prepareHome(places.home);
  return withLock(places.caLockFile, async () => {
    const { dryRun, now = new Date() } = options;
    const { caFolder } = places;
    const previous = await loadIfUsable(caFolder);
    const trusted = withPrevious(previous, await readTrusted(caFolder, now));
    const kept = previous?.permittedDomains ?? trusted[0]?.permittedDomains ?? [];
    const permittedDomains = [...new Set([...domainsOfAgents(), ...kept, ...wanted])];
    const begun = options.forget ? null : await readNext(caFolder, now);
    const made = await makeOrGoOn(begun, permittedDomains, options, now);
    const context: TrustContext = {
      facts: options.facts ?? (await readFacts({ environment: options.environment })),
      ledger: await openLedger(places.ledgerFile),
      caFolder,
      dryRun,
      now,
    };
    const earlier = context.ledger.entries.filter(({ fingerprint }) => fingerprint !== made.certificate.fingerprint);

    if (!dryRun) {
      await writeTrusted(caFolder, [made.certificate, ...trusted]);
      await keepNext(caFolder, made);
    }
    const installed = (await installEverywhere(places, made, earlier, context)).map((result) =>
      saying(hinting(result, 'rotate'), 'installed', 'installed, the new root'),
    );
    const common = { dryRun, permittedDomains, previous: previous?.fingerprint ?? null };
    const canWait = previous !== null && previous.expiresAt > now && !options.forget && !options.anyway;
    const isMade = !dryRun || made === begun;
    const waiting = previous !== null && isMade ? summarize({ ...previous, ...made.certificate, isNew: true }) : null;
    if (hasFailed(installed) && canWait) {
      return { ...common, root: null, waiting, stores: installed, runsOnEarlier: [], failed: true };
    }
    if (!dryRun) await useNext(caFolder, made);

    const uses = await listUses(caFolder);
    const removed: StoreResult[] = [];
    for (const entry of earlier) {
      const runs = uses.filter((use) => use.fingerprint === entry.fingerprint).map(({ pid }) => pid);
      removed.push(
        runs.length > 0 && !options.forget
          ? keep(entry, runs)
          : await takeOut(entry, join(caFolder, 'root.pem'), context),
      );
    }
    if (options.forget && !dryRun) await writeTrusted(caFolder, [made.certificate]);
    const stores = [
      ...installed,
      ...removed.map((result) =>
        saying(hinting(result, 'uninstall --earlier'), 'removed', 'removed, the earlier root'),
      ),
    ];
    const runsOnEarlier = [
      ...new Set(uses.filter((use) => use.fingerprint !== made.certificate.fingerprint).map(({ pid }) => pid)),
    ];
    const root = dryRun ? null : summarize({ ...(await loadNew(caFolder)), isNew: true });
    return { ...common, root, waiting: dryRun ? waiting : null, stores, runsOnEarlier, failed: hasFailed(stores) };
  });
}

/** What a rotation has begun with, where it permits all that is wanted now. */
async function makeOrGoOn(
  begun: NewRoot | null,
  domains: readonly string[],
  { dryRun }: RotateCaOptions,
  now: Date,
): Promise<NewRoot> {
  if (begun !== null && domains.every((domain) => permits(begun.certificate.permittedDomains, domain))) return begun;
  return dryRun ? { certificate: unmadeRoot, keyPem: '' } : draftRoot(domains, now);
}

/** The new root into each place that has an earlier one. */
async function installEverywhere(
  places: Places,
  { certificate }: NewRoot,
  earlier: readonly LedgerEntry[],
  context: TrustContext,
): Promise<readonly StoreResult[]> {
  const { caFolder } = places;
  const certificateFile = context.dryRun
    ? certificateFileOf(caFolder, certificate)
    : await writeCertificateFile(caFolder, certificate);
  const root: RootToTrust = { certificate, certificateFile, trustedFile: join(caFolder, 'root.pem') };
  const results: StoreResult[] = [];
  const done = new Set<string>();
  for (const { store, target } of earlier) {
    const plan = planTarget(store, target, context.facts, root);
    if (plan === null || (plan.type === 'target' && done.has(`${store} ${plan.target}`))) continue;
    if (plan.type === 'target') done.add(`${store} ${plan.target}`);
    const result = await putInto(plan, root, context);
    // What is no more needs no root; that it is gone is said where the earlier one would be taken out.
    if (result.outcome !== 'gone') results.push(result);
  }
  return results;
}

function keep({ store, target, fingerprint }: LedgerEntry, runs: readonly number[]): StoreResult {
  return {
    store,
    label: target,
    fingerprint,
    outcome: 'kept',
    message: `the earlier root stays until ${runs.length === 1 ? `the run of pid ${runs[0]} has` : `${runs.length} runs have`} ended: they sign with it`,
    commands: ['tapes ca uninstall --earlier'],
    lines: [],
    error: null,
  };
}

const saying = (result: StoreResult, outcome: StoreResult['outcome'], message: string): StoreResult =>
  result.outcome === outcome ? { ...result, message } : result;

/** What goes on with it: what a store's failure says of itself would have the root before installed, or the new one taken out. */
const hinting = (result: StoreResult, command: string): StoreResult =>
  result.error === null
    ? result
    : {
        ...result,
        error: {
          ...result.error,
          // To set a variable instead is another way, and not what goes on.
          hint: result.error.hint.replaceAll(/tapes ca (?:un)?install --store (?!node)\S+/g, `tapes ca ${command}`),
        },
      };

/** The certificate of the key in use is in the file at any moment, even where it has expired: without it the key is nobody's. */
const withPrevious = (previous: Root | null, trusted: readonly RootCertificate[]): readonly RootCertificate[] =>
  previous === null || trusted.some(({ fingerprint }) => fingerprint === previous.fingerprint)
    ? trusted
    : [previous, ...trusted];

/** A root that cannot be used is no reason to keep it. */
async function loadIfUsable(folder: string): Promise<Root | null> {
  try {
    return await loadRoot(folder);
  } catch (error) {
    if (error instanceof TapesError) return null;
    throw error;
  }
}

async function loadNew(folder: string): Promise<Root> {
  const root = await loadRoot(folder);
  if (root === null) throw new TapesError('E_CA_UNREADABLE', `the new root in ${folder} is gone again`);
  return root;
}
