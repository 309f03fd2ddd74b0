// A folder that other users can write in is no place for a recording: they could put files or links of theirs under our names, and have what is
// recorded written where they want it.
import { lstatSync, realpathSync, statSync } from 'node:fs';
import { dirname } from 'node:path';

import { shellWord } from '../domain/index.ts';
import { TapesError } from '../errors.ts';

export interface Owner {
  readonly uid: number;
  /** The primary group; a folder that it can write in is the user's own where each user has a group of their own. */
  readonly gid: number;
}

const worldWritable = 0o002;
const groupWritable = 0o020;
const sticky = 0o1000;

/**
 * Throws `E_FOLDER_SHARED` where somebody other than `owner` (and root) can write in the folder, has put a link in its place, or can put another
 * folder there. `owner` null (Windows): not looked at.
 */
export function refuseSharedFolder(folder: string, owner: Owner | null = thisUser()): void {
  if (owner === null) return;
  const mayBe = (uid: number): boolean => uid === owner.uid || uid === 0 || owner.uid === 0;
  if (!mayBe(lstatSync(folder).uid)) throw shared(folder, `${folder} is another user's link`);
  const { uid, gid, mode } = statSync(folder);
  if (!mayBe(uid)) throw shared(folder, `${folder} belongs to another user`);
  if ((mode & worldWritable) !== 0 || ((mode & groupWritable) !== 0 && gid !== owner.gid)) {
    throw shared(folder, `other users can write in ${folder}`, `take that from them: chmod go-w ${shellWord(folder)}`);
  }
  for (let above = dirname(realpathSync(folder)); ; above = dirname(above)) {
    const { mode: modeAbove, gid: gidAbove } = statSync(above);
    // Root's group is root's, and has such folders in some containers.
    const isGroups = (modeAbove & groupWritable) !== 0 && gidAbove !== owner.gid && gidAbove !== 0;
    if (((modeAbove & worldWritable) !== 0 || isGroups) && (modeAbove & sticky) === 0) {
      throw shared(folder, `other users can put another folder in the place of ${folder}: they can write in ${above}`);
    }
    if (above === dirname(above)) return;
  }
}

function thisUser(): Owner | null {
  const [uid, gid] = [process.getuid?.(), process.getgid?.()];
  return uid === undefined || gid === undefined ? null : { uid, gid };
}

const shared = (folder: string, message: string, hint?: string): TapesError =>
  new TapesError('E_FOLDER_SHARED', `${message}: what is recorded would not be safe there`, {
    hint: hint ?? `keep it in a folder of your own: --home DIR (or TAPES_HOME) instead of ${shellWord(folder)}`,
  });
