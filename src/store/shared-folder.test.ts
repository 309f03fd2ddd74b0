import { chmodSync, chownSync, lchownSync, mkdirSync, mkdtempSync, realpathSync, rmSync, symlinkSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';

import { refuseSharedFolder, type Owner } from './shared-folder.ts';

let base: string;
let home: string;
beforeEach(() => {
  base = realpathSync(mkdtempSync(join(tmpdir(), 'tapes-shared-')));
  home = join(base, 'home');
  mkdirSync(home, { mode: 0o700 });
});
afterEach(() => rmSync(base, { recursive: true, force: true }));

const me = (): Owner => ({ uid: process.getuid!(), gid: process.getgid!() });
const somebody: Owner = { uid: 54_321, gid: 54_321 };
const refused = expect.objectContaining({ code: 'E_FOLDER_SHARED', hint: expect.any(String) });

it('is fine where nobody else can write, whoever may read', () => {
  for (const mode of [0o700, 0o750, 0o755]) {
    chmodSync(home, mode);
    expect(() => refuseSharedFolder(home, me())).not.toThrow();
  }
});

it('is fine in a folder that all can write in, but whose entries only their owners can replace, as /tmp', () => {
  chmodSync(base, 0o1777);
  expect(() => refuseSharedFolder(home, me())).not.toThrow();
});

it.each([0o777, 0o1777, 0o702])('is refused where all can write (%o)', (mode) => {
  chmodSync(home, mode);
  expect(() => refuseSharedFolder(home, me())).toThrow(refused);
});

it('is refused where a group can write that is not the user’s own', () => {
  chmodSync(home, 0o770);
  expect(() => refuseSharedFolder(home, me())).not.toThrow();
  expect(() => refuseSharedFolder(home, { ...me(), gid: 54_321 })).toThrow(refused);
});

it('is refused where all can write in a folder above it, and put another in its place', () => {
  chmodSync(base, 0o777);
  expect(() => refuseSharedFolder(home, me())).toThrow(refused);
});

it('is fine where a group of the user’s own can do so', () => {
  chmodSync(base, 0o775);
  expect(() => refuseSharedFolder(home, me())).not.toThrow();
});

describe.skipIf(process.getuid?.() !== 0)('of another user (skipped: needs root)', () => {
  it('is refused where another group can put another folder in its place', () => {
    chownSync(base, 0, 12_345);
    chmodSync(base, 0o775);
    expect(() => refuseSharedFolder(home, me())).toThrow(refused);
    expect(() => refuseSharedFolder(home, { ...me(), gid: 12_345 })).not.toThrow();
    chmodSync(base, 0o1775);
    expect(() => refuseSharedFolder(home, me())).not.toThrow();
  });

  it('is refused, for everybody but root', () => {
    chownSync(home, 12_345, 12_345);
    expect(() => refuseSharedFolder(home, somebody)).toThrow(refused);
    expect(() => refuseSharedFolder(home, { uid: 12_345, gid: 12_345 })).not.toThrow();
    expect(() => refuseSharedFolder(home, me())).not.toThrow();
  });

  it('is refused where another user has made a link to a folder of the user’s own', () => {
    chownSync(home, somebody.uid, somebody.gid);
    const link = join(base, 'link');
    symlinkSync(home, link);
    lchownSync(link, somebody.uid, somebody.gid);
    expect(() => refuseSharedFolder(link, somebody)).not.toThrow();
    lchownSync(link, 12_345, 12_345);
    expect(() => refuseSharedFolder(link, somebody)).toThrow(refused);
  });
});
