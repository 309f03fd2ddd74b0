// One word of a command line as it is typed into a shell: what tapes tells users to type must work when it is pasted, whatever a path holds.

/** `word` as it is where nothing in it means anything to a shell, else in quotes. */
export function shellWord(word: string, platform: NodeJS.Platform = process.platform): string {
  if (platform === 'win32') return /^[\w@%+=:,./\\-]+$/.test(word) ? word : `"${word}"`;
  return /^[\w@%+=:,./-]+$/.test(word) ? word : `'${word.replaceAll("'", String.raw`'\''`)}'`;
}
