// Is the database still the file that recording began in? One that is moved or removed meanwhile goes on taking what is recorded, and nobody finds it.
import { stat } from 'node:fs/promises';

export interface DatabasePlace {
  /** The sentence to say, once, where another file is in its place by now, or none. What is there then counts from then on. */
  look(): Promise<string | null>;
}

/** Begins to count when it has been opened (true), where that is told; and otherwise with the first `look` that finds a file. */
export function watchPlace(dbFile: string, opened: Promise<boolean> = Promise.resolve(false)): DatabasePlace {
  let known: string | null = null;
  const find = (): Promise<string | null> =>
    stat(dbFile).then(
      ({ dev, ino }) => `${dev} ${ino}`,
      (error: NodeJS.ErrnoException) => (error.code === 'ENOENT' ? null : known),
    );
  let beginning: Promise<void> = Promise.resolve();
  void opened.then((isOpen) => {
    // It was there a moment ago: a child that is fast may have removed it since.
    if (isOpen) beginning = find().then((found) => void (known = found ?? 'gone again'));
  });
  return {
    async look() {
      await beginning;
      const found = await find();
      const isGone = known !== null && found !== known;
      known = isGone ? null : found;
      return isGone
        ? `the database ${dbFile} was moved or removed, and what was recorded until now went with it`
        : null;
    },
  };
}
