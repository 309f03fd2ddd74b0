// What a person may type into `tapes search`: strings, and nothing of FTS5's own syntax. SQLite itself is asked about every tenth.
import { readSearchTerms, toMatch } from '../../../src/derive/index.ts';
import type { FuzzTarget } from '../case.ts';
import { must } from '../expectations.ts';
import { openSearchTable } from '../search-table.ts';

const table = await openSearchTable();

export const search: FuzzTarget = {
  name: 'search-query',
  samples: [
    'fix "the parser"',
    "x' OR 1=1; DROP TABLE calls;--",
    'text: parser AND (a OR NOT b) NEAR(c d, 5) ^e f*',
    '{text} : "x" + "y"',
    'Grüße 日本語 🙂 ﷐x﷑',
    '"unclosed',
    '%_?*[a-z]',
    '\0x\0',
  ].map((text) => Buffer.from(text)),
  words: ['"', '""', '*', ' NEAR(', ' AND ', '^', 'rowid:', "'", '\0', '\ud83d', '\x1b[31m', '-', '(', ')', '{'],
  longest: 60,
  async check({ input, seed }) {
    const text = seed % 5 === 0 ? input.toString('utf16le') : input.toString();
    const terms = readSearchTerms(seed % 2 === 0 ? [text] : text.split(' '));
    must(
      terms.every((term) => /[\p{L}\p{N}\p{Co}]/u.test(term)),
      'a term has nothing to be found in it',
    );
    const match = toMatch(terms);
    must(/^("([^"\0]|"")*"( (?=")|$))*$/.test(match), 'a term is more than a string');
    if (terms.length > 0 && seed % 10 === 3) await table.ask(match);
  },
};
