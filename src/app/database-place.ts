// Is the database still the file that recording began in? One that is moved or removed meanwhile goes on taking what is recorded, and nobody finds it.
import { stat } from 'node:fs/promises';

export interface DatabasePlace {
  /** The sentence to say, once, where another file is in its place by now, or none. What is there then counts from then on. */
  look(): Promise<string | null>;
}

/** Begins to count with the first `look` that finds a file. */
export function watchPlace(dbFile: string): DatabasePlace {
  let known: string | null = null;
  return {
    async look() {
      const found = await stat(dbFile).then(
        ({ dev, ino }) => `${dev} ${ino}`,
        (error: NodeJS.ErrnoException) => (error.code === 'ENOENT' ? null : known),
      );
      const isGone = known !== null && found !== known;
      known = isGone ? null : found;
      return isGone
        ? `the database ${dbFile} was moved or removed, and what was recorded until now went with it`
        : null;
    },
  };
}
