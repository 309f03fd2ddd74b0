// Writes a file so that a reader finds the old one or the new one whole, also after a power cut.
import { open, rename, rm } from 'node:fs/promises';
import { dirname } from 'node:path';

import { newId, shellWord } from '../domain/index.ts';
import { TapesError } from '../errors.ts';

/** Throws `E_HOME_NOT_WRITABLE`. */
export async function writeAtomically(file: string, content: string, mode: number): Promise<void> {
  const draft = `${file}.${newId()}`;
  try {
    const handle = await open(draft, 'wx', mode);
    try {
      await handle.writeFile(content);
      await handle.chmod(mode); // whatever the umask
      await handle.sync();
    } finally {
      await handle.close();
    }
    await rename(draft, file);
  } catch (cause) {
    throw notWritable(file, cause);
  } finally {
    await rm(draft, { force: true }).catch(() => undefined);
  }
}

export const notWritable = (file: string, cause: unknown): TapesError =>
  new TapesError('E_HOME_NOT_WRITABLE', `cannot write ${file}: ${(cause as Error).message}`, {
    hint: `check owner, mode and room of its folder: ls -ld ${shellWord(dirname(file))}; df ${shellWord(dirname(file))}`,
    cause,
  });
