// Mends the root: a key that others may read is closed; a root that cannot be used is moved aside, and a new one made, where nothing but
// tapes knows the old one.
import { X509Certificate } from 'node:crypto';
import { chmod, stat } from 'node:fs/promises';
import { join } from 'node:path';

import type { AgentProfile } from '../../agents/index.ts';
import { openRoot } from '../../ca/index.ts';
import { TapesError } from '../../errors.ts';
import { withLibrary } from '../../store/index.ts';
import type { Places } from '../home.ts';
import { readTrustedFiles } from '../upstream-roots.ts';
import type { Mending } from './check.ts';
import { moveAside } from './check-home.ts';

/** To be called where the root's check found something. `look` is that check: it throws what is wrong with the key's file. */
export async function mendRoot(
  { caFolder, dbFile }: Places,
  profile: AgentProfile,
  environment: Readonly<Record<string, string | undefined>>,
  look: () => Promise<unknown>,
): Promise<Mending> {
  const keyFile = join(caFolder, 'root-key.pem');
  const code = await look().then(
    () => null,
    (error: unknown) => (error instanceof TapesError ? error.code : null),
  );
  if (code === 'E_CA_PERMISSIONS') {
    const { uid } = await stat(keyFile);
    if (process.getuid !== undefined && uid !== process.getuid())
      return { refused: `${keyFile} belongs to somebody else` };
    await chmod(keyFile, 0o600);
    return { done: `chmod 600 ${keyFile}` };
  }
  const store = await findInstalled(environment);
  if (store !== null) return { refused: `a root of tapes is installed in ${store}, and a new one would not be` };
  if (await isRunning(dbFile)) return { refused: 'a run is going on, and its agent has been told of this root' };
  const aside = await moveAside(caFolder);
  const { expiresAt } = await openRoot(caFolder, profile.certificateDomains);
  return { done: `made a new root, valid until ${expiresAt.toISOString().slice(0, 10)}; the old one is in ${aside}` };
}

/** A store of this machine that trusts a root of tapes: of whatever age, as the one at hand may not even be readable. */
async function findInstalled(environment: Readonly<Record<string, string | undefined>>): Promise<string | null> {
  if (process.platform !== 'linux') return 'a store that cannot be looked into from here';
  const found = (await readTrustedFiles(environment)).find(({ roots }) => roots.some(isOurs));
  return found?.file ?? null;
}

function isOurs(pem: string): boolean {
  try {
    const { subject } = new X509Certificate(pem);
    return /^O=tapes$/m.test(subject) && /^CN=tapes local root$/m.test(subject);
  } catch {
    return false; // a root that Node cannot read is none that tapes has made
  }
}

async function isRunning(dbFile: string): Promise<boolean> {
  const runs = await withLibrary(dbFile, (library) => library.listRuns({ limit: 100, all: true })).catch(() => []);
  return runs.some(({ status }) => status === 'running');
}
