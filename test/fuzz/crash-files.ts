// Cases that failed once, as files: written by `npm run fuzz`, and run again by every test run.
import { createHash } from 'node:crypto';
import { mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

import type { FuzzCase, FuzzTarget } from './case.ts';

const folder = new URL('../corpus/crashes/', import.meta.url);

export interface CrashFile {
  readonly name: string;
  readonly target: string;
  readonly fuzzed: FuzzCase;
}

/** Gives the file's path. */
export function writeCrash({ name }: FuzzTarget, { input, seed }: FuzzCase, says: string): string {
  const hash = createHash('sha256').update(input).digest('hex').slice(0, 8);
  mkdirSync(folder, { recursive: true });
  const file = new URL(`${name}-${hash}.json`, folder);
  const kept = { target: name, says: says.split('\n', 1)[0], seed, input: input.toString('base64') };
  writeFileSync(file, `${JSON.stringify(kept, null, 2)}\n`);
  return fileURLToPath(file);
}

export function readCrashes(): CrashFile[] {
  return readdirSync(folder)
    .filter((name) => name.endsWith('.json'))
    .sort()
    .map((name) => {
      const kept = JSON.parse(readFileSync(new URL(name, folder), 'utf8')) as {
        target: string;
        seed: number;
        input: string;
      };
      return { name, target: kept.target, fuzzed: { seed: kept.seed, input: Buffer.from(kept.input, 'base64') } };
    });
}
