// The root that a rotation has made and that is not used yet: its key waits beside the one in use until every store has its certificate. A
// rotation that a store holds up, or that was killed, is so gone on with, and leaves no roots behind in the stores whose key nobody has.
import { createPrivateKey, X509Certificate } from 'node:crypto';
import { readFile, rm, stat } from 'node:fs/promises';
import { join } from 'node:path';

import { writeAtomically } from './atomic-file.ts';
import { keyName } from './root.ts';
import { readTrusted, switchKey, type NewRoot } from './replace-root.ts';

const nextKeyName = 'next-key.pem';

/** Its certificate must be in the file that agents are told to trust already. Throws `E_HOME_NOT_WRITABLE`. */
export async function keepNext(folder: string, { keyPem }: NewRoot): Promise<void> {
  await writeAtomically(join(folder, nextKeyName), keyPem, 0o600);
}

/** Null: none waits, or none that may be used: others can read its key, it belongs to no certificate, or it has expired. */
export async function readNext(folder: string, now: Date): Promise<NewRoot | null> {
  const file = join(folder, nextKeyName);
  try {
    if (process.platform !== 'win32' && ((await stat(file)).mode & 0o077) !== 0) return null;
    const keyPem = await readFile(file, 'utf8');
    // Killed between the two steps of `useNext`.
    if (keyPem === (await readFile(join(folder, keyName), 'utf8').catch(() => ''))) return null;
    const key = createPrivateKey(keyPem);
    const certificate = (await readTrusted(folder, now)).find(({ certificatePem }) =>
      new X509Certificate(certificatePem).checkPrivateKey(key),
    );
    return certificate === undefined ? null : { certificate, keyPem };
  } catch {
    return null;
  }
}

/** From here on new runs sign with this root, and none waits. */
export async function useNext(folder: string, next: NewRoot): Promise<void> {
  await switchKey(folder, next);
  await rm(join(folder, nextKeyName), { force: true });
}
