// The root: loaded where there is one, created where there is none. The key never leaves this machine and never an own folder;
// node-forge (137 ms to import) is loaded only when a root must be made.
import { X509Certificate, createPrivateKey } from 'node:crypto';
import { link, mkdir, readFile, rename, rm, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';

import { newId, shellWord } from '../domain/index.ts';
import { TapesError } from '../errors.ts';
import { isoDay, refuseWrongClock } from './clock.ts';
import { describeCertificate, permits, splitPem, type RootCertificate } from './root-certificate.ts';

/** PEM texts of a root, and what it permits. */
export interface Root extends RootCertificate {
  readonly keyPem: string;
  /** The file that an agent is told to trust. After a rotation it holds the earlier roots' certificates too. */
  readonly certificateFile: string;
  readonly isNew: boolean;
}

export const certificateName = 'root.pem';
export const keyName = 'root-key.pem';

/** Loads the root in `folder`, or creates it there (folder 0700, key 0600) permitting `domains`. Throws `E_CA_*`, `E_CLOCK_WRONG`, `E_HOME_NOT_WRITABLE`. */
export async function openRoot(folder: string, domains: readonly string[], now: Date = new Date()): Promise<Root> {
  const found = await loadRoot(folder);
  if (found === null) return createRoot(folder, domains, now);
  refuseUnusable(found, domains, now);
  return found;
}

/** Throws where `root` cannot sign for `domains` today: `E_CA_EXPIRED`, `E_CLOCK_WRONG`, `E_CA_CONSTRAINTS`. */
export function refuseUnusable(root: Root, domains: readonly string[], now: Date): void {
  refuseWrongClock(now, root.startsAt);
  if (root.expiresAt <= now) {
    throw new TapesError('E_CA_EXPIRED', `the root ${root.certificateFile} expired on ${isoDay(root.expiresAt)}`, {
      hint: 'make a new one in its place: tapes ca rotate',
    });
  }
  const missing = domains.filter((domain) => !permits(root.permittedDomains, domain));
  if (missing.length === 0) return;
  throw new TapesError('E_CA_CONSTRAINTS', `the root ${root.certificateFile} does not permit ${missing.join(', ')}`, {
    hint: `what a root permits is fixed when it is made; make a new one: tapes ca rotate${missing.map((domain) => ` --host-name ${domain}`).join('')}`,
  });
}

/** The root in `folder`, or null where there is none. Throws `E_CA_*` where there is one that cannot be used. */
export async function loadRoot(folder: string): Promise<Root | null> {
  const certificateFile = join(folder, certificateName);
  const keyFile = join(folder, keyName);
  // The key first: a rotation writes certificates before keys, so whatever key is read has its certificate in the file already.
  let keyPem = await readIfThere(keyFile);
  let certificatesPem = await readIfThere(certificateFile);
  // In a folder that was there already, a first root's files come one a moment after the other.
  for (let tries = 0; (keyPem === null) !== (certificatesPem === null) && tries < 10; tries += 1) {
    await wait(25);
    keyPem = await readIfThere(keyFile);
    certificatesPem = await readIfThere(certificateFile);
  }
  if (certificatesPem === null && keyPem === null) return null;
  if (certificatesPem === null || keyPem === null) {
    const missing = certificatesPem === null ? certificateFile : keyFile;
    throw new TapesError('E_CA_UNREADABLE', `the root is incomplete: ${missing} is missing`, { hint: replaceHint });
  }
  await refuseLooseKey(folder, keyFile);
  const key = parse(keyFile, () => createPrivateKey(keyPem));
  const certificates = parse(certificateFile, () => {
    const found = splitPem(certificatesPem).map((pem) => new X509Certificate(pem));
    if (found.length === 0) throw new Error('it holds no certificate');
    return found;
  });
  const certificate = certificates.find((candidate) => candidate.checkPrivateKey(key));
  if (certificate === undefined) {
    throw new TapesError('E_CA_MISMATCH', `the root ${certificateFile} does not match its key ${keyFile}`, {
      hint: replaceHint,
    });
  }
  return { ...describeCertificate(certificate.toString()), keyPem, certificateFile, isNew: false };
}

async function createRoot(folder: string, domains: readonly string[], now: Date): Promise<Root> {
  refuseWrongClock(now);
  const { makeRoot } = await import('./make-root.ts');
  const made = await makeRoot({ domains, now });
  const draft = `${folder}.${newId()}`;
  try {
    // All files appear at once, by one rename: two first runs at a time end up with one root, not with a half of each.
    await mkdir(draft, { recursive: true, mode: 0o700 });
    await writeFile(join(draft, keyName), made.keyPem, { mode: 0o600, flag: 'wx' });
    await writeFile(join(draft, certificateName), made.certificatePem, { mode: 0o644, flag: 'wx' });
    await rename(draft, folder).catch(async (error: NodeJS.ErrnoException) => {
      if ((await loadRoot(folder)) === null) await moveInto(draft, folder, error);
    });
  } catch (cause) {
    if (cause instanceof TapesError) throw cause;
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

/** The folder stands already, without a root: of several first runs the one whose key is linked first wins. */
async function moveInto(draft: string, folder: string, reason: NodeJS.ErrnoException): Promise<void> {
  if (
    !(await stat(folder).then(
      (found) => found.isDirectory(),
      () => false,
    ))
  )
    throw reason;
  try {
    await link(join(draft, keyName), join(folder, keyName));
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'EEXIST') return;
    throw error;
  }
  await rename(join(draft, certificateName), join(folder, certificateName));
}

async function readIfThere(file: string): Promise<string | null> {
  try {
    return await readFile(file, 'utf8');
  } catch (cause) {
    if ((cause as NodeJS.ErrnoException).code === 'ENOENT') return null;
    throw new TapesError('E_CA_UNREADABLE', `cannot read ${file}: ${messageOf(cause)}`, {
      hint: `check its owner and mode: ls -l ${shellWord(file)}`,
      cause,
    });
  }
}

async function refuseLooseKey(folder: string, keyFile: string): Promise<void> {
  if (process.platform === 'win32') return;
  const { mode } = await stat(keyFile);
  if ((mode & 0o077) !== 0) {
    throw new TapesError('E_CA_PERMISSIONS', `others may read the root's key ${keyFile} (mode ${octal(mode)})`, {
      hint: `chmod 600 ${shellWord(keyFile)}`,
    });
  }
  const folderMode = (await stat(folder)).mode;
  if ((folderMode & 0o022) === 0) return;
  throw new TapesError('E_CA_PERMISSIONS', `others may replace the root in ${folder} (mode ${octal(folderMode)})`, {
    hint: `chmod 700 ${shellWord(folder)}`,
  });
}

const octal = (mode: number): string => (mode & 0o777).toString(8);

function parse<T>(file: string, read: () => T): T {
  try {
    return read();
  } catch (cause) {
    throw new TapesError('E_CA_UNREADABLE', `${file} is damaged: ${messageOf(cause)}`, { hint: replaceHint, cause });
  }
}

const replaceHint = 'make a new root in its place: tapes ca rotate';
const messageOf = (error: unknown): string => (error instanceof Error ? error.message : String(error));
