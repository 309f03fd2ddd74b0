// `tapes search <words…>`
import type { Command } from 'commander';

import { TapesError } from '../../errors.ts';
import { readLimit, readSince, readUntil } from './list-options.ts';

interface Options {
  readonly home?: string;
  readonly db?: string;
  readonly json?: boolean;
  readonly limit: number;
  readonly session?: string;
  readonly role?: string;
  readonly type?: string;
  readonly since?: string;
  readonly until?: string;
}

const roles: readonly string[] = ['user', 'assistant', 'tool'];

export function addSearchCommand(program: Command): void {
  program
    .command('search')
    .description('Find words in prompts, answers, reasoning, tool calls and their output, the newest first.')
    .argument('<words...>', 'all of these words, in any order; words in quotes must follow each other')
    .option('--json', 'one JSON document on stdout')
    .option('--limit <n>', 'at most this many', readLimit, 20)
    .option('--session <id>', 'only in this session: its id, the beginning of it, or `last`')
    .option('--role <role>', 'only what came from here: user, assistant or tool', readRole)
    .option('--type <type>', 'only items of this type: message, reasoning, call, output …')
    .option('--since <time>', 'only since then: 30m, 12h, 7d, 2w, or a date', (value) => readSince(value))
    .option('--until <time>', 'only before then; of a date, that day too', (value) => readUntil(value))
    .addHelpText(
      'after',
      `
Words are found whole, in any case. Signs count as blanks: look for src/main.ts
and you find it, as the phrase "src main ts".

Examples:
  $ tapes search parser "exit code"
  $ tapes search TypeError --type output --since 7d
  $ tapes search refactor --role user --session last
  $ tapes search deploy --since 2026-11-23 --until 2026-11-24`,
    )
    .action(async (words: string[], _options: unknown, command: Command) => {
      const { search } = await import('../../app/search.ts');
      const { openPage, say, writeJson, writeText } = await import('../render/page.ts');
      const { home, db, json, ...asked } = command.optsWithGlobals<Options>();
      const found = await search({ home, db }, { words, ...asked });
      const { renderFound, toFoundJson } = await import('../render/found.ts');
      if (json) return writeJson(found.map(toFoundJson));
      if (found.length === 0) return say('nothing found');
      writeText(renderFound(found, openPage()));
    });
}

function readRole(value: string): string {
  if (roles.includes(value)) return value;
  throw new TapesError('E_USAGE', `--role ${value} is none of ${roles.join(', ')}`, {
    hint: 'tapes search parser --role user',
  });
}
