// Commands that tapes tells its user to type. Where this command line named a home or a database, they name it too: what is pasted into
// another terminal must be about the same root and the same recordings.
import { resolve } from 'node:path';

import { shellWord } from '../../domain/index.ts';

export interface OwnPlaces {
  readonly home?: string | undefined;
  readonly db?: string | undefined;
}

let commandPattern: RegExp | null = null;
let readPlaces: () => OwnPlaces = () => ({});

/** To be told once: what commands there are, and what this command line says of places (asked for when something is printed). */
export function knowCommandLine(commandNames: readonly string[], read: () => OwnPlaces): void {
  // At the start of a word, and not where the text itself names a home or a database after it.
  commandPattern = new RegExp(
    String.raw`(?<![\w./\\-])tapes (?=(?:${commandNames.join('|')})\b)(?![^;\n${'`'}]* --(?:home|db) )`,
    'g',
  );
  readPlaces = read;
}

/** `text` with this command line's own places in each command of tapes that it names. */
export function asTyped(text: string): string {
  const { home, db } = readPlaces();
  const options = [
    ...(home ? [`--home ${shellWord(resolve(home))} `] : []),
    ...(db ? [`--db ${shellWord(resolve(db))} `] : []),
  ].join('');
  return commandPattern === null || options === '' ? text : text.replaceAll(commandPattern, () => `tapes ${options}`);
}

const speaking = new Set(['message', 'hint', 'next', 'commands', 'lines', 'warnings', 'mended']);

/** The same in a document of findings: in what it says to people, not in its facts. */
export function asTypedDocument(value: unknown, speaks = false): unknown {
  if (typeof value === 'string') return speaks ? asTyped(value) : value;
  if (Array.isArray(value)) return value.map((element) => asTypedDocument(element, speaks));
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(
    Object.entries(value).map(([key, element]) => [key, asTypedDocument(element, speaking.has(key))]),
  );
}
