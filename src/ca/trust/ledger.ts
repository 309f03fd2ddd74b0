// What was put into which trust store: written before a store is changed, so that whatever happens in between, all of it can be taken out again.
// It stands beside the root's folder, not in it: moving the root away must not lose it.
import { readFile } from 'node:fs/promises';

import { shellWord } from '../../domain/index.ts';
import { TapesError } from '../../errors.ts';
import { writeAtomically } from '../atomic-file.ts';
import { storeNames, type StoreName } from './trust-plan.ts';

export interface LedgerEntry {
  readonly store: StoreName;
  readonly target: string;
  /** SHA-256 of the root. */
  readonly fingerprint: string;
  /** The root itself: some programs want to see what they should remove. */
  readonly certificatePem: string;
  /** ISO 8601. */
  readonly installedAt: string;
}

type Key = Pick<LedgerEntry, 'store' | 'target' | 'fingerprint'>;

export interface Ledger {
  readonly entries: readonly LedgerEntry[];
  has(key: Key): boolean;
  put(entry: LedgerEntry): Promise<void>;
  drop(key: Key): Promise<void>;
}

/** The ledger for changing it; each change is on disk when its promise settles. Throws `E_LEDGER_UNREADABLE`. */
export async function openLedger(file: string): Promise<Ledger> {
  let entries = await readLedger(file);
  const save = async (changed: readonly LedgerEntry[]): Promise<void> => {
    await writeAtomically(file, `${JSON.stringify({ version: 1, entries: changed }, null, 2)}\n`, 0o600);
    entries = changed;
  };
  const without = (key: Key): readonly LedgerEntry[] => entries.filter((entry) => !isSame(entry, key));
  return {
    get entries() {
      return entries;
    },
    has: (key) => entries.some((entry) => isSame(entry, key)),
    put: (entry) => save([...without(entry), entry]),
    drop: (key) => save(without(key)),
  };
}

const isSame = (one: Key, other: Key): boolean =>
  one.store === other.store && one.target === other.target && one.fingerprint === other.fingerprint;

/** The entries; none where nothing was ever installed. Throws `E_LEDGER_UNREADABLE`. */
export async function readLedger(file: string): Promise<readonly LedgerEntry[]> {
  let text: string;
  try {
    text = await readFile(file, 'utf8');
  } catch (cause) {
    if ((cause as NodeJS.ErrnoException).code === 'ENOENT') return [];
    throw unreadable(file, cause);
  }
  try {
    const ledger = JSON.parse(text) as { version?: unknown; entries?: unknown };
    if (ledger.version !== 1 || !Array.isArray(ledger.entries) || !ledger.entries.every(isEntry)) {
      throw new Error('it is not what tapes writes there');
    }
    return ledger.entries;
  } catch (cause) {
    throw unreadable(file, cause);
  }
}

function isEntry(value: unknown): value is LedgerEntry {
  if (typeof value !== 'object' || value === null) return false;
  const entry = value as Record<string, unknown>;
  return (
    storeNames.some((name) => name === entry['store']) &&
    ['target', 'fingerprint', 'certificatePem', 'installedAt'].every((key) => typeof entry[key] === 'string')
  );
}

const unreadable = (file: string, cause: unknown): TapesError =>
  new TapesError(
    'E_LEDGER_UNREADABLE',
    `${file} cannot be read: ${cause instanceof Error ? cause.message : String(cause)}`,
    {
      hint: `it says what was installed where; look at it, and where it is beyond repair move it away: mv ${shellWord(file)} ${shellWord(`${file}.old`)}`,
      cause,
    },
  );
