// The root: loaded where there is one, created where there is none. The key never leaves this machine and never an own folder;
// node-forge (137 ms to import) is loaded only when a root must be made.
import { X509Certificate, createPrivateKey } from 'node:crypto';
import { mkdir, readFile, rename, rm, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';

import { newId } from '../domain/index.ts';
import { TapesError } from '../errors.ts';
import { readPermittedDomains } from './name-constraints.ts';

/** PEM texts of a root, and what it permits. */
export interface Root {
  readonly certificatePem: string;
  readonly keyPem: string;
  /** The file that an agent is told to trust. */
  readonly certificateFile: string;
  readonly expiresAt: Date;
  /** Domains (with all their subdomains) that certificates below this root may name. */
  readonly permittedDomains: readonly string[];
  readonly isNew: boolean;
}

const certificateName = 'root.pem';
const keyName = 'root-key.pem';

/** Loads the root in `folder`, or creates it there (folder 0700, key 0600) permitting `domains`. Throws `E_CA_*`, `E_HOME_NOT_WRITABLE`. */
export async function openRoot(folder: string, domains: readonly string[], now: Date = new Date()): Promise<Root> {
  const found = await loadRoot(folder);
  if (found === null) return createRoot(folder, domains, now);
  if (found.expiresAt <= now) {
    throw new TapesError('E_CA_EXPIRED', `the root ${found.certificateFile} expired on ${isoDay(found.expiresAt)}`, {
      hint: replaceHint(folder),
    });
  }
  const missing = domains.filter((domain) => !permits(found.permittedDomains, domain));
  if (missing.length > 0) {
    throw new TapesError(
      'E_CA_CONSTRAINTS',
      `the root ${found.certificateFile} does not permit ${missing.join(', ')}`,
      {
        hint: replaceHint(folder),
      },
    );
  }
  return found;
}

/** The root in `folder`, or null where there is none. Throws `E_CA_*` where there is one that cannot be used. */
export async function loadRoot(folder: string): Promise<Root | null> {
  const certificateFile = join(folder, certificateName);
  const keyFile = join(folder, keyName);
  const certificatePem = await readIfThere(certificateFile);
  const keyPem = await readIfThere(keyFile);
  if (certificatePem === null && keyPem === null) return null;
  if (certificatePem === null || keyPem === null) {
    const missing = certificatePem === null ? certificateFile : keyFile;
    throw new TapesError('E_CA_UNREADABLE', `the root is incomplete: ${missing} is missing`, {
      hint: replaceHint(folder),
    });
  }
  await refuseLooseKey(keyFile);
  const certificate = parse(certificateFile, folder, () => new X509Certificate(certificatePem));
  const key = parse(keyFile, folder, () => createPrivateKey(keyPem));
  if (!certificate.checkPrivateKey(key)) {
    throw new TapesError('E_CA_MISMATCH', `the root ${certificateFile} does not match its key ${keyFile}`, {
      hint: replaceHint(folder),
    });
  }
  return {
    certificatePem,
    keyPem,
    certificateFile,
    expiresAt: new Date(certificate.validTo),
    permittedDomains: readPermittedDomains(certificate.raw),
    isNew: false,
  };
}

/** Is `host` one of `domains`, or below one of them? */
export function permits(domains: readonly string[], host: string): boolean {
  const name = host.toLowerCase();
  return domains.some((domain) => name === domain || name.endsWith(`.${domain}`));
}

async function createRoot(folder: string, domains: readonly string[], now: Date): Promise<Root> {
  const { makeRoot } = await import('./make-root.ts');
  const made = await makeRoot({ domains, now });
  const draft = `${folder}.${newId()}`;
  try {
    // Both files appear at once, by one rename: two first runs at a time end up with one root, not with a half of each.
    await mkdir(draft, { recursive: true, mode: 0o700 });
    await writeFile(join(draft, keyName), made.keyPem, { mode: 0o600, flag: 'wx' });
    await writeFile(join(draft, certificateName), made.certificatePem, { mode: 0o644, flag: 'wx' });
    await rename(draft, folder).catch(async (error: NodeJS.ErrnoException) => {
      if ((await loadRoot(folder)) === null) throw error;
    });
  } catch (cause) {
    throw new TapesError('E_HOME_NOT_WRITABLE', `cannot write the root to ${folder}: ${messageOf(cause)}`, {
      hint: 'name a folder that you may write: tapes --home DIR … (or set TAPES_HOME)',
      cause,
    });
  } finally {
    await rm(draft, { recursive: true, force: true });
  }
  const stored = await loadRoot(folder);
  if (stored === null) throw new TapesError('E_CA_UNREADABLE', `the new root in ${folder} is gone again`);
  return { ...stored, isNew: true };
}

async function readIfThere(file: string): Promise<string | null> {
  try {
    return await readFile(file, 'utf8');
  } catch (cause) {
    if ((cause as NodeJS.ErrnoException).code === 'ENOENT') return null;
    throw new TapesError('E_CA_UNREADABLE', `cannot read ${file}: ${messageOf(cause)}`, {
      hint: `check its owner and mode: ls -l ${file}`,
      cause,
    });
  }
}

async function refuseLooseKey(keyFile: string): Promise<void> {
  if (process.platform === 'win32') return;
  const { mode } = await stat(keyFile);
  if ((mode & 0o077) === 0) return;
  throw new TapesError(
    'E_CA_PERMISSIONS',
    `others may read the root's key ${keyFile} (mode ${(mode & 0o777).toString(8)})`,
    {
      hint: `chmod 600 ${keyFile}`,
    },
  );
}

function parse<T>(file: string, folder: string, read: () => T): T {
  try {
    return read();
  } catch (cause) {
    throw new TapesError('E_CA_UNREADABLE', `${file} is damaged: ${messageOf(cause)}`, {
      hint: replaceHint(folder),
      cause,
    });
  }
}

// Nothing outside of tapes trusts this root as long as nobody installed it, so a new one costs nothing.
const replaceHint = (folder: string): string =>
  `move it away and a new one is made at the next run: mv ${folder} ${folder}.old`;
const messageOf = (cause: unknown): string => (cause instanceof Error ? cause.message : String(cause));
const isoDay = (date: Date): string => date.toISOString().slice(0, 10);
