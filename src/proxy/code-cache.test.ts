// What is kept is code that will be run: it is taken whole, of this very script, and only where nobody else could have written it.
import {
  chmodSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  statSync,
  symlinkSync,
  renameSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { beforeEach, expect, it } from 'vitest';

import { openCodeCache, type CodeCache } from './code-cache.ts';

const source = Buffer.from('the source');
const code = Buffer.from('compiled');
let folder = '';

beforeEach(() => {
  folder = join(mkdtempSync(join(tmpdir(), 'tapes-code-')), 'cache');
});

const open = (of = source): CodeCache => openCodeCache(folder, 'script', of);
const onlyFile = (): string => join(folder, readdirSync(folder)[0] ?? '');
const keep = (): string => {
  open().write(() => code, true);
  return onlyFile();
};

it('keeps nothing by itself', () => {
  expect(open()).toMatchObject({ data: null, didServe: false });
});

it('gives back what was written, with whether exchanges had passed', () => {
  open().write(() => code, false);
  expect(open()).toMatchObject({ data: code, didServe: false });
  open().write(() => code, true);
  expect(open()).toMatchObject({ data: code, didServe: true });
});

it('writes for this user alone', () => {
  const file = keep();
  expect([statSync(folder).mode & 0o777, statSync(file).mode & 0o777]).toEqual([0o700, 0o600]);
});

it('is of one source only, and the one of before goes', () => {
  keep();
  expect(open(Buffer.from('other')).data).toBeNull();
  open(Buffer.from('other')).write(() => code, true);
  expect(readdirSync(folder)).toHaveLength(1);
});

it('does not take what is damaged or cut short', () => {
  const file = keep();
  const whole = readFileSync(file);
  for (let at = 0; at < whole.length; at++) {
    const damaged = Buffer.from(whole);
    damaged[at]! ^= 1;
    writeFileSync(file, damaged);
    expect(open().data, `byte ${at}`).toBeNull();
    writeFileSync(file, whole.subarray(0, at));
    expect(open().data, `${at} bytes`).toBeNull();
  }
  writeFileSync(file, whole);
  expect(open().data).toEqual(code);
});

it.skipIf(process.platform === 'win32')('does not take what others may write, or a link to it', () => {
  const file = keep();
  chmodSync(file, 0o620);
  expect(open().data).toBeNull();
  chmodSync(file, 0o600);
  chmodSync(folder, 0o777);
  expect(open().data).toBeNull();
  chmodSync(folder, 0o700);
  expect(open().data).toEqual(code);
  renameSync(file, `${folder}.elsewhere`);
  symlinkSync(`${folder}.elsewhere`, file);
  expect(open().data).toBeNull();
});

it('fails in silence where it cannot write, and leaves no draft', () => {
  writeFileSync(folder, 'a file in the place of the folder');
  expect(() => open().write(() => code, true)).not.toThrow();
  expect(open().data).toBeNull();
  folder = `${folder}-2`;
  open().write(() => {
    throw new Error('V8 has nothing to give');
  }, true);
  expect(open().data).toBeNull();
});
