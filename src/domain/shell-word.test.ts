import { execFileSync } from 'node:child_process';
import { describe, expect, it } from 'vitest';

import { shellWord } from './index.ts';

describe('a word of a command line', () => {
  it('comes out of a real shell as it went in', () => {
    const words = [
      'plain/path.pem',
      'two words',
      "it's",
      '$HOME',
      '`id`',
      'a"b',
      '*',
      '~',
      '',
      'é\n',
      ';&|<>',
      '\\',
      '--x=y',
    ];
    const typed = words.map((word) => shellWord(word, 'linux')).join(' ');
    const said = execFileSync('sh', ['-c', `printf '%s\\0' ${typed}`], { encoding: 'utf8' });
    expect(said.split('\0').slice(0, -1)).toEqual(words);
  });

  it('is left as it is where it can be, and quoted as Windows does it there', () => {
    expect(shellWord('/home/me/.tapes/ca', 'linux')).toBe('/home/me/.tapes/ca');
    expect(shellWord(String.raw`C:\Users\me`, 'win32')).toBe(String.raw`C:\Users\me`);
    expect(shellWord(String.raw`C:\Users\me too`, 'win32')).toBe(String.raw`"C:\Users\me too"`);
  });
});
