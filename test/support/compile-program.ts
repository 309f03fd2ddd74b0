// A test program as plain JavaScript, so that starting it a hundred times costs little: tsx takes half a second each time.
import { execFile } from 'node:child_process';
import { mkdtemp, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { promisify } from 'node:util';

import { onTestFinished } from 'vitest';

const project = resolve(import.meta.dirname, '../..');
const options =
  '--ignoreConfig --skipLibCheck --verbatimModuleSyntax --rewriteRelativeImportExtensions ' +
  '--target es2023 --lib es2023 --module nodenext --types node --rootDir .';

/** Compiles these files with all that they import, for one test. Gives where the first one is then. */
export async function compileProgram(entries: readonly [string, ...string[]]): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'tapes-program-'));
  onTestFinished(() => rm(folder, { recursive: true, force: true }));
  const compiler = join(project, 'node_modules/.bin/tsc');
  await promisify(execFile)(compiler, [...options.split(' '), '--outDir', folder, ...entries], { cwd: project });
  await writeFile(join(folder, 'package.json'), '{"type":"module"}');
  await symlink(join(project, 'node_modules'), join(folder, 'node_modules'));
  return join(folder, entries[0].replace(/\.ts$/, '.js'));
}
