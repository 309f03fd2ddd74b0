// Keeps what V8 has compiled of a script, for the next process. Such a file is code that will be run, so it is taken only where nobody else
// may write it, and only whole. It is never needed: whatever is wrong with it, the script is compiled as usual.
import { createHash } from 'node:crypto';
import { chmodSync, lstatSync, mkdirSync, readdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { arch, platform } from 'node:os';
import { join } from 'node:path';

import { newId } from '../domain/index.ts';

export interface CodeCache {
  /** Null where there is none that can be used. */
  readonly data: Buffer | null;
  /** Was it made after exchanges had passed? */
  readonly didServe: boolean;
  /** Puts it in the place of what is there. Never throws. */
  write(make: () => Buffer, didServe: boolean): void;
}

const digestBytes = 32;
const headBytes = digestBytes + 1;

/** The code of `script` with this very source, for this very Node. */
export function openCodeCache(folder: string, script: string, source: Buffer): CodeCache {
  const prefix = `${script}-${process.version}-${platform()}-${arch()}-`;
  const name = `${prefix}${sha256(source).toString('hex').slice(0, 16)}.code`;
  const file = join(folder, name);
  const kept = read(folder, file);
  return {
    data: kept?.subarray(headBytes) ?? null,
    didServe: kept?.[digestBytes] === 1,
    write(make, didServe) {
      const draft = `${file}.${newId()}`;
      try {
        const body = Buffer.concat([Buffer.from([didServe ? 1 : 0]), make()]);
        mkdirSync(folder, { mode: 0o700, recursive: true });
        writeFileSync(draft, Buffer.concat([sha256(body), body]), { mode: 0o600, flag: 'wx' });
        chmodSync(draft, 0o600);
        renameSync(draft, file);
        // Of earlier versions of the script.
        for (const other of readdirSync(folder)) {
          if (other.startsWith(prefix) && other.endsWith('.code') && other !== name) rmSync(join(folder, other));
        }
      } catch {
        removeDraft(draft);
      }
    },
  };
}

function removeDraft(draft: string): void {
  try {
    rmSync(draft, { force: true });
  } catch {
    // Where it could not be written it may be that it cannot be removed.
  }
}

function read(folder: string, file: string): Buffer | null {
  try {
    if (!isOurs(folder, 'folder') || !isOurs(file, 'file')) return null;
    const kept = readFileSync(file);
    // V8 itself looks at the head only: a damaged rest would end the process.
    return kept.length > headBytes && sha256(kept.subarray(digestBytes)).equals(kept.subarray(0, digestBytes))
      ? kept
      : null;
  } catch {
    return null;
  }
}

/** It is what it should be, this user's, and nobody else may write it. */
function isOurs(path: string, kind: 'folder' | 'file'): boolean {
  const found = lstatSync(path);
  if (kind === 'folder' ? !found.isDirectory() : !found.isFile()) return false;
  if (process.getuid === undefined) return true;
  return found.uid === process.getuid() && (found.mode & 0o022) === 0;
}

const sha256 = (bytes: Uint8Array): Buffer => createHash('sha256').update(bytes).digest();
