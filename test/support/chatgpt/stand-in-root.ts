// The root that a stand-in signs its certificates with, and the file in which its clients find it.
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { makeRoot, readTestRoot, testRootFile, type Root } from '../certificates.ts';

export interface StandInRoot extends Root {
  readonly file: string;
  remove(): void;
}

export function openRoot(isFresh: boolean): StandInRoot {
  if (!isFresh) return { ...readTestRoot(), file: testRootFile, remove: () => {} };
  const day = 86_400_000;
  const root = makeRoot('tapes stand-in root of one test', new Date(Date.now() - day), new Date(Date.now() + day));
  const folder = mkdtempSync(join(tmpdir(), 'tapes-stand-in-'));
  const file = join(folder, 'root.pem');
  writeFileSync(file, root.certificatePem);
  return { ...root, file, remove: () => rmSync(folder, { recursive: true }) };
}
