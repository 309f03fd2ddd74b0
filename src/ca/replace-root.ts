// Puts a new root in the place of another without a moment in which what signs is not in the file that agents are told to trust:
// first the file gets the new certificate besides the earlier ones, then one rename changes the key.
// A run that is going on keeps the earlier key in memory, and its agent may read the file again: so earlier certificates stay in it.
import { mkdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';

import { writeAtomically } from './atomic-file.ts';
import { refuseWrongClock } from './clock.ts';
import { describeCertificate, splitPem, type RootCertificate } from './root-certificate.ts';
import { certificateName, keyName } from './root.ts';
import { updateBundles } from './trust-bundle.ts';

export interface NewRoot {
  readonly certificate: RootCertificate;
  readonly keyPem: string;
}

/** A root that is in memory only as yet. Throws `E_CLOCK_WRONG`. */
export async function draftRoot(domains: readonly string[], now: Date): Promise<NewRoot> {
  refuseWrongClock(now);
  const { makeRoot } = await import('./make-root.ts');
  const { certificatePem, keyPem } = await makeRoot({ domains, now });
  return { certificate: describeCertificate(certificatePem), keyPem };
}

/** The certificates in the file that agents are told to trust which are still valid; what cannot be read is left out. */
export async function readTrusted(folder: string, now: Date): Promise<readonly RootCertificate[]> {
  const text = await readFile(join(folder, certificateName), 'utf8').catch(() => '');
  return splitPem(text)
    .flatMap((pem) => {
      try {
        return [describeCertificate(pem)];
      } catch {
        return [];
      }
    })
    .filter(({ expiresAt }) => expiresAt > now);
}

/** Has agents trust these, and no others: also those that were told of a bundle, where the user has roots of their own. */
export async function writeTrusted(folder: string, certificates: readonly RootCertificate[]): Promise<void> {
  await mkdir(folder, { recursive: true, mode: 0o700 });
  const file = join(folder, certificateName);
  const before = splitPem(await readFile(file, 'utf8').catch(() => ''));
  const pems = new Set(certificates.map(({ certificatePem }) => certificatePem));
  await writeAtomically(file, [...pems].join(''), 0o644);
  await updateBundles(folder, { dropped: before.filter((pem) => !pems.has(`${pem}\n`)), added: [...pems] });
}

/** From here on new runs sign with this root. Its certificate must be in the file already. */
export async function switchKey(folder: string, { keyPem }: NewRoot): Promise<void> {
  await writeAtomically(join(folder, keyName), keyPem, 0o600);
}

/** The root's certificate in a file of its own, which is what the tools of trust stores take. Returns the file. */
export async function writeCertificateFile(folder: string, certificate: RootCertificate): Promise<string> {
  const file = certificateFileOf(folder, certificate);
  const stored = await readFile(file, 'utf8').catch(() => null);
  if (stored !== certificate.certificatePem) {
    await mkdir(folder, { recursive: true, mode: 0o700 });
    await writeAtomically(file, certificate.certificatePem, 0o644);
  }
  return file;
}

export const certificateFileOf = (folder: string, { name }: Pick<RootCertificate, 'name'>): string =>
  join(folder, `${name}.pem`);
