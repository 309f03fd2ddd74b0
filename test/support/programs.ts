// Programs that some machines lack. A test that needs one is skipped, and says so in its name; `.ci/run` installs them all.
import { accessSync, constants } from 'node:fs';
import { delimiter, join } from 'node:path';

const hasProgram = (name: string): boolean =>
  [...(process.env['PATH'] ?? '').split(delimiter), '/usr/sbin', '/sbin'].some((folder) => {
    try {
      accessSync(join(folder, name), constants.X_OK);
      return true;
    } catch {
      return false;
    }
  });

/** For the end of a test's name. */
export const needs = (...names: readonly string[]): { readonly skip: boolean; readonly reason: string } => {
  const missing = names.filter((name) => !hasProgram(name));
  return { skip: missing.length > 0, reason: missing.length > 0 ? ` (skipped: no ${missing.join(', ')} here)` : '' };
};
