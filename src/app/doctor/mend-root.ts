// Mends the root: what others may read or replace is closed; in place of a root that cannot be used a new one is made, as `tapes ca rotate`
// does, where no trust store has the old one.
import { chmod, stat } from 'node:fs/promises';
import { join } from 'node:path';

import { readLedger } from '../../ca/index.ts';
import { TapesError } from '../../errors.ts';
import type { Places } from '../home.ts';
import { rotateCa } from '../rotate-ca.ts';
import type { Mending } from './check.ts';

/** To be called where the root's check found something. `look` is that check: it throws what is wrong with the root's files. */
export async function mendRoot(
  places: Places,
  environment: Readonly<Record<string, string | undefined>>,
  look: () => Promise<unknown>,
): Promise<Mending> {
  const code = await look().then(
    () => null,
    (error: unknown) => (error instanceof TapesError ? error.code : null),
  );
  if (code === 'E_CA_PERMISSIONS') return closeFiles(places.caFolder);
  // No root mends a clock.
  if (code === 'E_CLOCK_WRONG') return null;
  const [installed] = await readLedger(places.ledgerFile);
  if (installed !== undefined)
    return { refused: `the root is installed (${installed.target}), and stores are changed by tapes ca rotate alone` };
  const { root } = await rotateCa({
    home: places.home,
    hostNames: [],
    forget: false,
    anyway: false,
    dryRun: false,
    environment,
  });
  if (root === null) return { refused: 'the new root could not take its place' };
  return { done: `made a new root, valid until ${root.expiresAt.slice(0, 10)} (tapes ca rotate)` };
}

async function closeFiles(caFolder: string): Promise<Mending> {
  const done: string[] = [];
  for (const [path, mode, loose] of [
    [join(caFolder, 'root-key.pem'), 0o600, 0o077],
    [caFolder, 0o700, 0o022],
  ] as const) {
    const found = await stat(path);
    if ((found.mode & loose) === 0) continue;
    if (process.getuid !== undefined && found.uid !== process.getuid())
      return { refused: `${path} belongs to somebody else` };
    await chmod(path, mode);
    done.push(`chmod ${mode.toString(8)} ${path}`);
  }
  return done.length === 0 ? null : { done: done.join('; ') };
}
