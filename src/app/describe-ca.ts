// `tapes ca status`, `path` and `export`: what root there is, how long it lasts, and which stores have it. Changes nothing.
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';

import {
  certificateFileOf,
  listUses,
  loadRoot,
  planStore,
  planTarget,
  probe,
  readFacts,
  readLedger,
  readNext,
  readTrusted,
  refuseUnusable,
  describeCertificate,
  storeNames,
  type Facts,
  type LedgerEntry,
  type Presence,
  type Root,
  type RootToTrust,
  type StoreName,
} from '../ca/index.ts';
import { TapesError } from '../errors.ts';
import { daysUntil, warnOfExpiry, warnOfWaiting } from './choose-root.ts';
import { summarize, type RootSummary } from './create-ca.ts';
import { findPlaces, type PlaceOptions } from './home.ts';

export interface StoreStatus {
  readonly store: StoreName;
  readonly label: string;
  /** Of the root that is asked about. */
  readonly fingerprint: string;
  /** Is it a root before the one in use? */
  readonly isEarlier: boolean;
  readonly state: 'installed' | 'not installed' | 'damaged' | 'foreign' | 'unknown' | 'advice';
  readonly message: string;
  /** The next command; null where nothing needs to be done. */
  readonly next: string | null;
  readonly lines: readonly string[];
}

export interface CaStatus {
  readonly root: (RootSummary & { readonly daysLeft: number; readonly keyFile: string }) | null;
  /** Why the root cannot be used. */
  readonly problem: { readonly code: string; readonly message: string; readonly hint: string | null } | null;
  /** The new root of a rotation that a store holds up: it is used once that is gone on with. */
  readonly waiting: { readonly fingerprint: string; readonly expiresAt: string } | null;
  /** Roots before it that agents are still told to trust. */
  readonly earlier: readonly { readonly fingerprint: string; readonly expiresAt: string }[];
  readonly stores: readonly StoreStatus[];
  /** Processes that sign with a root now. */
  readonly runs: readonly { readonly pid: number; readonly fingerprint: string }[];
  readonly warnings: readonly string[];
}

export interface CaStatusOptions extends PlaceOptions {
  readonly stores: readonly StoreName[];
  readonly environment: Readonly<Record<string, string | undefined>>;
  readonly now?: Date;
  readonly facts?: Facts;
}

/** Throws `E_LEDGER_UNREADABLE`; a root that cannot be used is told in `problem`. */
export async function describeCa(options: CaStatusOptions): Promise<CaStatus> {
  const { environment, now = new Date() } = options;
  const { caFolder, ledgerFile } = findPlaces(options, environment);
  const found = await loadRoot(caFolder).catch((error: unknown) => {
    if (error instanceof TapesError) return error;
    throw error;
  });
  const root = found instanceof TapesError ? null : found;
  const facts = options.facts ?? (await readFacts({ environment }));
  const entries = (await readLedger(ledgerFile)).filter(({ store }) => options.stores.includes(store));
  const trustedFile = join(caFolder, 'root.pem');
  const current = root === null ? [] : await lookEverywhere(root, caFolder, trustedFile, options.stores, facts);
  const next = (await readNext(caFolder, now))?.certificate ?? null;
  const others = entries.filter(({ fingerprint }) => fingerprint !== root?.fingerprint);
  const left = await Promise.all(
    others.map((entry) => lookAtOther(entry, entry.fingerprint === next?.fingerprint, caFolder, trustedFile, facts)),
  );
  const trusted = (await readTrusted(caFolder, now)).filter(
    ({ fingerprint }) => fingerprint !== root?.fingerprint && fingerprint !== next?.fingerprint,
  );
  return {
    root:
      root === null
        ? null
        : { ...summarize(root), daysLeft: daysUntil(root.expiresAt, now), keyFile: join(caFolder, 'root-key.pem') },
    problem: found instanceof TapesError ? asProblem(found) : root === null ? null : readProblem(root, now),
    waiting: next === null ? null : { fingerprint: next.fingerprint, expiresAt: next.expiresAt.toISOString() },
    // Where the root cannot be used, which of them is the earlier one cannot be told.
    earlier: (found instanceof TapesError ? [] : trusted).map(({ fingerprint, expiresAt }) => ({
      fingerprint,
      expiresAt: expiresAt.toISOString(),
    })),
    stores: [...current, ...left.filter((status) => status !== null)],
    runs: await listUses(caFolder),
    warnings: [...(root === null || root.expiresAt <= now ? [] : warnOfExpiry(root, now)), ...warnOfWaiting(next)],
  };
}

async function lookEverywhere(
  root: Root,
  caFolder: string,
  trustedFile: string,
  stores: readonly StoreName[],
  facts: Facts,
): Promise<readonly StoreStatus[]> {
  const toTrust: RootToTrust = { certificate: root, certificateFile: certificateFileOf(caFolder, root), trustedFile };
  const plans = storeNames
    .filter((store) => stores.includes(store))
    .flatMap((store) => planStore(store, facts, toTrust));
  return Promise.all(
    plans.map(async (plan): Promise<StoreStatus> => {
      const { store, label } = plan;
      const common = { store, label, fingerprint: root.fingerprint, isEarlier: false, lines: [] };
      if (plan.type === 'advice') {
        return { ...common, state: 'advice', message: plan.message, next: null, lines: plan.lines };
      }
      if (plan.type === 'problem') return { ...common, state: 'unknown', message: plan.message, next: plan.hint };
      const state = stateOf[await probe(plan.probe, root.certificatePem)];
      const install = store === 'system' ? 'tapes ca install' : `tapes ca install --store ${store}`;
      return { ...common, state, message: state, next: state === 'installed' ? null : install };
    }),
  );
}

/** A root that is not in use: one before it, or (`isNext`) the one that is to follow. */
async function lookAtOther(
  entry: LedgerEntry,
  isNext: boolean,
  caFolder: string,
  trustedFile: string,
  facts: Facts,
): Promise<StoreStatus | null> {
  const { store, target, fingerprint, certificatePem } = entry;
  const certificate = describeCertificate(certificatePem);
  const certificateFile = certificateFileOf(caFolder, certificate);
  const plan = planTarget(store, target, facts, { certificate, certificateFile, trustedFile });
  const presence = plan?.type === 'target' ? await probe(plan.probe, certificatePem) : 'unknown';
  if (presence === 'absent') return null;
  const state = stateOf[presence];
  return {
    store,
    label: plan?.label ?? target,
    fingerprint,
    isEarlier: !isNext,
    state,
    message: isNext
      ? `the new root is ${state === 'installed' ? 'installed, and not used yet' : state}`
      : `an earlier root is ${state === 'installed' ? 'still installed' : state}`,
    next: isNext ? 'tapes ca rotate' : 'tapes ca uninstall --earlier',
    lines: [],
  };
}

const stateOf: Readonly<Record<Presence, StoreStatus['state']>> = {
  there: 'installed',
  absent: 'not installed',
  stale: 'damaged',
  foreign: 'foreign',
  unknown: 'unknown',
};

const asProblem = ({ code, message, hint }: TapesError): CaStatus['problem'] => ({ code, message, hint: hint ?? null });

/** Why it cannot sign today. */
function readProblem(root: Root, now: Date): CaStatus['problem'] {
  try {
    refuseUnusable(root, [], now);
    return null;
  } catch (error) {
    if (error instanceof TapesError) return asProblem(error);
    throw error;
  }
}

/** The root in the home. Throws `E_CA_MISSING`, `E_CA_*`. */
export async function requireRoot(options: PlaceOptions): Promise<Root> {
  const { caFolder } = findPlaces(options);
  const root = await loadRoot(caFolder);
  if (root !== null) return root;
  throw new TapesError('E_CA_MISSING', `there is no root in ${caFolder} yet`, { hint: 'make one: tapes ca create' });
}

export type CertificateFormat = 'pem' | 'der';

/** The root's certificate, never its key: the bytes, and where they went (null: nowhere yet). Throws `E_CA_*`, `E_FILE_EXISTS`, `E_FILE_UNUSABLE`. */
export async function exportCa(
  options: PlaceOptions & {
    readonly format: CertificateFormat;
    readonly output: string | null;
    readonly force: boolean;
  },
): Promise<{ readonly root: Root; readonly bytes: Buffer; readonly file: string | null }> {
  const root = await requireRoot(options);
  const pem = Buffer.from(root.certificatePem, 'ascii');
  const bytes =
    options.format === 'pem' ? pem : Buffer.from(root.certificatePem.replaceAll(/-----[^-]+-----|\s/g, ''), 'base64');
  const file = options.output === '-' ? null : options.output;
  if (file === null) return { root, bytes, file };
  await writeFile(file, bytes, { mode: 0o644, flag: options.force ? 'w' : 'wx' }).catch(
    (cause: NodeJS.ErrnoException) => {
      if (cause.code === 'EEXIST') {
        throw new TapesError('E_FILE_EXISTS', `${file} exists already`, { hint: 'replace it with --force', cause });
      }
      throw new TapesError('E_FILE_UNUSABLE', `cannot write ${file}: ${cause.message}`, {
        hint: `name a file that you may write with --output`,
        cause,
      });
    },
  );
  return { root, bytes, file };
}
