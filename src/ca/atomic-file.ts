// Writes a file so that a reader finds the old one or the new one whole, also after a power cut.
import { open, rename, rm } from 'node:fs/promises';

import { newId } from '../domain/index.ts';

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
  } finally {
    await rm(draft, { force: true });
  }
}
