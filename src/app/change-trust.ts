// Puts a root into places and takes it out again, and keeps the ledger: what all commands that touch trust stores have in common.
import {
  certificateFileOf,
  describeCertificate,
  installInto,
  planTarget,
  probe,
  uninstallFrom,
  writeCertificateFile,
  type Change,
  type Facts,
  type Ledger,
  type LedgerEntry,
  type PlanEntry,
  type RootToTrust,
  type StoreName,
} from '../ca/index.ts';
import type { ErrorCode } from '../errors.ts';

/** How it went in one place. */
export interface StoreResult {
  readonly store: StoreName;
  /** For people. */
  readonly label: string;
  /** Of the root; null in a dry run that would make one. */
  readonly fingerprint: string | null;
  /** `kept`: left there on purpose. `advice`: tapes changes nothing there; `lines` say what to do. */
  readonly outcome: Change['outcome'] | 'advice' | 'kept';
  /** One sentence: what was done, what it needs. */
  readonly message: string;
  /** What was run, or would be, as it can be typed. */
  readonly commands: readonly string[];
  readonly lines: readonly string[];
  readonly error: { readonly code: ErrorCode; readonly message: string; readonly hint: string } | null;
}

export interface TrustContext {
  readonly facts: Facts;
  readonly ledger: Ledger;
  readonly caFolder: string;
  readonly dryRun: boolean;
  readonly now: Date;
}

/** Carries out one entry of a plan. */
export async function putInto(entry: PlanEntry, root: RootToTrust, context: TrustContext): Promise<StoreResult> {
  const { facts, ledger, dryRun, now } = context;
  const { fingerprint, certificatePem } = root.certificate;
  const common = { store: entry.store, label: entry.label, fingerprint, commands: [], lines: [], error: null };
  if (entry.type === 'advice') return { ...common, outcome: 'advice', message: entry.message, lines: entry.lines };
  if (entry.type === 'problem') {
    const { code, message, hint } = entry;
    return { ...common, outcome: 'failed', message, error: { code, message, hint } };
  }
  const record = {
    store: entry.store,
    target: entry.target,
    fingerprint,
    certificatePem,
    installedAt: now.toISOString(),
  };
  const wasKnown = ledger.has(record);
  if (!dryRun && !wasKnown) await ledger.put(record);
  const change = await installInto(entry, facts, certificatePem, { dryRun });
  if ((change.outcome === 'failed' || change.outcome === 'gone') && !dryRun && !wasKnown) {
    const presence = await probe(entry.probe, certificatePem);
    if (presence === 'absent' || presence === 'foreign') await ledger.drop(record);
  }
  const { failure } = change;
  return {
    ...common,
    outcome: change.outcome,
    message: failure?.message ?? said[change.outcome],
    commands: change.commands,
    lines: change.outcome === 'installed' && entry.note !== undefined ? [entry.note] : [],
    error: failure,
  };
}

/** Takes out what the ledger says was put in. */
export async function takeOut(entry: LedgerEntry, trustedFile: string, context: TrustContext): Promise<StoreResult> {
  const { facts, ledger, caFolder, dryRun } = context;
  const { store, target, fingerprint, certificatePem } = entry;
  const certificate = describeCertificate(certificatePem);
  // Some programs want to see what they should remove.
  const certificateFile = dryRun
    ? certificateFileOf(caFolder, certificate)
    : await writeCertificateFile(caFolder, certificate);
  const plan = planTarget(store, target, facts, { certificate, certificateFile, trustedFile });
  const common = { store, label: target, fingerprint, commands: [], lines: [], error: null };
  if (plan === null || plan.type === 'advice' || (plan.type === 'target' && plan.target !== target)) {
    const error = {
      code: 'E_STORE_FAILED' as const,
      message: `${target} is no place that tapes knows on this machine`,
      hint: `remove ${certificate.name} there by hand`,
    };
    return { ...common, outcome: 'failed', message: error.message, error };
  }
  if (plan.type === 'problem') {
    const { code, message, hint } = plan;
    return {
      ...common,
      outcome: 'failed',
      message,
      error: { code, message, hint: hint.replace('ca install', 'ca uninstall') },
    };
  }
  const change = await uninstallFrom(plan, facts, certificatePem, { dryRun });
  if (!dryRun && change.failure === null) await ledger.drop(entry);
  return {
    ...common,
    label: plan.label,
    outcome: change.outcome,
    message: change.failure?.message ?? said[change.outcome],
    commands: change.commands,
    error: change.failure,
  };
}

export const hasFailed = (results: readonly StoreResult[]): boolean => results.some(({ error }) => error !== null);

const said: Readonly<Record<Change['outcome'], string>> = {
  installed: 'installed',
  removed: 'removed',
  already: 'installed already',
  absent: 'not there any more',
  gone: 'the store itself is not there any more',
  planned: 'would run',
  failed: 'failed',
};
