// Keeps the credentials of login files known: an agent renews its login while it runs, and the new ones must be known before it can print them.
import { unwatchFile, watchFile } from 'node:fs';

import { readLoginSecrets } from './known-secrets.ts';

const loginPollMs = 500;

export interface LoginWatch {
  /** Watches one more file, if it is not watched yet, and learns what is in it now. */
  add(file: string): void;
  stop(): void;
}

// A standing proxy may meet many homes: beyond this, what an agent sends is still masked by its headers.
const watchedFiles = 16;

/** Watches `files`; what they hold at the moment is up to the caller. */
export function watchLogins(files: readonly string[], learn: (secrets: readonly string[]) => void): LoginWatch {
  /** With the listener of each: a file may be watched by others, too. */
  const watched = new Map<string, () => void>();
  const read = (file: string): void => void readLoginSecrets(file).then(learn);
  const watch = (file: string): boolean => {
    if (watched.has(file) || watched.size >= watchedFiles) return false;
    const look = (): void => read(file);
    watched.set(file, look);
    watchFile(file, { interval: loginPollMs, persistent: false }, look);
    return true;
  };
  for (const file of files) watch(file);
  return {
    add(file) {
      if (watch(file)) read(file);
    },
    stop() {
      for (const [file, look] of watched) unwatchFile(file, look);
    },
  };
}
