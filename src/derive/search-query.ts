// From what a person types to what is looked for: words that must all be there, and phrases, whose words must follow each other.

/** Has anything that is indexed (the tokens of SQLite's unicode61): a term of signs alone would match nothing, or everything. */
const isFindable = (term: string): boolean => /[\p{L}\p{N}\p{Co}]/u.test(term);

/**
 * Each argument of the command line that holds blanks was quoted in the shell: it is a phrase. Within an argument, double quotes make
 * phrases too ('fix "the parser"').
 */
export function readSearchTerms(words: readonly string[]): string[] {
  return words.flatMap((word) => (word.includes('"') ? splitQuoted(word) : [word])).filter(isFindable);
}

/** The parts within quotes whole, the others by word; a quote that is not closed holds to the end. */
const splitQuoted = (text: string): string[] =>
  text.split('"').flatMap((part, at) => (at % 2 === 1 ? [part] : part.split(/\s+/)));

/** In the syntax of FTS5, where a string in double quotes is nothing but words, whatever is in it. */
export const toMatch = (terms: readonly string[]): string =>
  terms.map((term) => `"${term.replaceAll('\0', ' ').replaceAll('"', '""')}"`).join(' ');
