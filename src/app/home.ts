// Where tapes keeps its things: the flag, else the environment, else ~/.tapes.
import { randomBytes } from 'node:crypto';
import { access, chmod, constants, link, mkdir, readFile, unlink, writeFile } from 'node:fs/promises';
import { homedir } from 'node:os';
import { join, resolve } from 'node:path';

import { newId, shellWord } from '../domain/index.ts';
import { TapesError } from '../errors.ts';
import { refuseSharedFolder } from '../store/index.ts';

export interface PlaceOptions {
  readonly home?: string | undefined;
  readonly db?: string | undefined;
}

export interface Places {
  readonly home: string;
  readonly dbFile: string;
  readonly caFolder: string;
  /** What can be made again at any time: compiled code. */
  readonly cacheFolder: string;
  /** What was installed into which trust store; and the lock of those who change that, or the root. */
  readonly ledgerFile: string;
  readonly caLockFile: string;
}

/** The folders and files in use. Nothing is created. */
export function findPlaces(
  options: PlaceOptions,
  environment: Readonly<Record<string, string | undefined>> = process.env,
): Places {
  const home = resolve(options.home || environment['TAPES_HOME'] || join(homedir(), '.tapes'));
  const dbFile = resolve(options.db || environment['TAPES_DB'] || join(home, 'tapes.db'));
  return {
    home,
    dbFile,
    caFolder: join(home, 'ca'),
    cacheFolder: join(home, 'cache'),
    ledgerFile: join(home, 'trust.json'),
    caLockFile: join(home, 'ca.lock'),
  };
}

/** Creates the home (0700) if need be. Throws `E_HOME_NOT_WRITABLE`, `E_FOLDER_SHARED`. */
export async function prepareHome(home: string): Promise<void> {
  try {
    const created = await mkdir(home, { recursive: true, mode: 0o700 });
    if (created !== undefined) await chmod(home, 0o700);
    await access(home, constants.W_OK | constants.X_OK);
    refuseSharedFolder(home);
  } catch (cause) {
    if (cause instanceof TapesError) throw cause;
    throw new TapesError('E_HOME_NOT_WRITABLE', `the home ${home} cannot be written: ${(cause as Error).message}`, {
      hint: 'name a folder that you may write: tapes --home DIR … (or set TAPES_HOME)',
      cause,
    });
  }
}

/** The home's key for fingerprints of secrets: 32 random bytes, made once, 0600. */
export async function openMaskKey(home: string): Promise<Uint8Array> {
  const file = join(home, 'mask.key');
  const draft = `${file}.${newId()}`;
  try {
    const stored = await readFile(file).catch(() => null);
    if (stored?.length === 32) return stored;
    await writeFile(draft, randomBytes(32), { mode: 0o600, flag: 'wx' });
    // Of two first runs at once, one wins; both read the winner's key.
    await link(draft, file).catch((error: NodeJS.ErrnoException) => {
      if (error.code !== 'EEXIST') throw error;
    });
    const key = await readFile(file);
    if (key.length !== 32) throw new Error('it should hold 32 bytes');
    return key;
  } catch (cause) {
    throw new TapesError('E_HOME_NOT_WRITABLE', `${file} cannot be made or read: ${(cause as Error).message}`, {
      hint: `check its owner and mode: ls -l ${shellWord(file)}`,
      cause,
    });
  } finally {
    await unlink(draft).catch(() => undefined);
  }
}
