// The version of tapes, read from the one place that has it.
import { readFileSync } from 'node:fs';

let version: string | null = null;

export function tapesVersion(): string {
  version ??= (JSON.parse(readFileSync(new URL('../package.json', import.meta.url), 'utf8')) as { version: string })
    .version;
  return version;
}
