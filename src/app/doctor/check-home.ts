// The home: can it be used, is it its owner's alone, and has a run that was killed left something in it?
import { access, chmod, constants, readdir, rename, rm, stat } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';

import { shellWord } from '../../domain/index.ts';
import type { Places } from '../home.ts';
import type { Finding, Mending } from './check.ts';

// A draft lives for less than a second; younger ones may be somebody's who is at it.
const draftMs = 60_000;

export async function checkHome(places: Places): Promise<Finding> {
  const { home } = places;
  try {
    await access(home, constants.R_OK | constants.W_OK | constants.X_OK);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT')
      return { status: 'ok', message: `${home} (made at the first run)` };
    return {
      status: 'fail',
      message: `${home} cannot be written`,
      hint: `check its owner and mode: ls -ld ${shellWord(home)}`,
    };
  }
  const key = await damagedKey(places);
  if (key !== null) {
    return {
      status: 'fail',
      message: `${key} is damaged: it should hold 32 bytes`,
      hint: `move it away and a new one is made at the next run: mv ${shellWord(key)} ${shellWord(`${key}.old`)}`,
    };
  }
  const [loose] = await findLoose(places);
  if (loose !== undefined) {
    const { path, mode, wanted } = loose;
    return {
      status: 'warn',
      message: `others may look into ${path} (mode ${mode.toString(8)})`,
      hint: `chmod ${wanted.toString(8)} ${shellWord(path)}`,
    };
  }
  const drafts = await findDrafts(places);
  if (drafts.length > 0)
    return {
      status: 'warn',
      message: `a run that was killed left ${drafts.join(', ')}`,
      hint: `rm -r ${drafts.map((draft) => shellWord(draft)).join(' ')}`,
    };
  return { status: 'ok', message: home };
}

/** Makes the home its owner's alone again, and takes away what is left of killed runs. */
export async function mendHome(places: Places): Promise<Mending> {
  const { home } = places;
  const { mode, uid } = await stat(home);
  if (process.getuid !== undefined && uid !== process.getuid()) return { refused: `${home} belongs to somebody else` };
  const done: string[] = [];
  if ((mode & 0o700) !== 0o700) {
    await chmod(home, 0o700);
    done.push(`chmod 700 ${home}`);
  }
  const key = await damagedKey(places);
  if (key !== null) {
    const aside = await moveAside(key);
    done.push(
      `moved ${key} to ${basename(aside)}; the next run makes a new one, and fingerprints of secrets differ from then on`,
    );
  }
  for (const { path, wanted } of await findLoose(places)) {
    await chmod(path, wanted);
    done.push(`chmod ${wanted.toString(8)} ${path}`);
  }
  for (const draft of await findDrafts(places)) {
    await rm(draft, { recursive: true, force: true });
    done.push(`removed ${draft}`);
  }
  return done.length === 0 ? null : { done: done.join('; ') };
}

/** Gives something another name, which nothing has yet. Returns that. */
async function moveAside(path: string): Promise<string> {
  const day = new Date().toISOString().slice(0, 10);
  for (let count = 1; ; count++) {
    const aside = `${path}.old-${day}${count === 1 ? '' : `-${count}`}`;
    if (
      await stat(aside).then(
        () => true,
        () => false,
      )
    )
      continue;
    await rename(path, aside);
    return aside;
  }
}

async function damagedKey({ home }: Places): Promise<string | null> {
  const file = join(home, 'mask.key');
  const found = await stat(file).catch(() => null);
  return found !== null && found.size !== 32 ? file : null;
}

interface Loose {
  readonly path: string;
  readonly mode: number;
  readonly wanted: number;
}

/** What others may read or enter, of what should be its owner's alone. The root's key has a check of its own. */
async function findLoose({ home, caFolder, dbFile }: Places): Promise<Loose[]> {
  if (process.platform === 'win32') return [];
  const database = ['', '-wal', '-shm'].map((ending) => `${dbFile}${ending}`);
  const wanted = [
    ...[home, caFolder].map((path) => [path, 0o700] as const),
    ...[join(home, 'mask.key'), ...database].map((path) => [path, 0o600] as const),
  ];
  const loose: Loose[] = [];
  for (const [path, mode] of wanted) {
    const found = await stat(path).catch(() => null);
    if (found !== null && (found.mode & 0o077) !== 0) loose.push({ path, mode: found.mode & 0o777, wanted: mode });
  }
  return loose;
}

/** Drafts of a root (with a key in it) and of the mask key: runs that were killed in the moment of making one. */
async function findDrafts({ home, caFolder }: Places): Promise<string[]> {
  const pattern = new RegExp(`^(${basename(caFolder)}|mask\\.key)\\.[0-9a-f]{20}$`);
  const names = dirname(caFolder) === home ? await readdir(home).catch(() => []) : [];
  const drafts: string[] = [];
  for (const name of names.filter((candidate) => pattern.test(candidate))) {
    const path = join(home, name);
    const found = await stat(path).catch(() => null);
    if (found !== null && Date.now() - found.mtimeMs > draftMs) drafts.push(path);
  }
  return drafts;
}
