// `tapes context <call>`
import type { Command } from 'commander';

interface Options {
  readonly home?: string;
  readonly db?: string;
  readonly json?: boolean;
}

export function addContextCommand(program: Command): void {
  program
    .command('context')
    .description('Show what fills the context of a call, and what lost the prompt cache.')
    .argument('[call]', 'a call: its id, the beginning of it, or `last` for the newest', 'last')
    .option('--json', 'one JSON document on stdout')
    .addHelpText(
      'after',
      `
Two questions are answered apart: which items are new to a reader (by id or
content), and up to which byte the request begins as the one before it did,
which is what a prompt cache goes by.

Examples:
  $ tapes context
  $ tapes context a1b2c3d4
  $ tapes context last --json | jq .previous.change`,
    )
    .action(async (id: string, _options: unknown, command: Command) => {
      const { readContext } = await import('../../app/read-context.ts');
      const { openPage, writeJson, writeText } = await import('../render/page.ts');
      const { json, ...places } = command.optsWithGlobals<Options>();
      const { shortIds, ...context } = await readContext(places, id);
      if (json) return writeJson(context);
      const { renderContext } = await import('../render/context-view.ts');
      writeText(renderContext({ ...context, shortIds }, openPage()));
    });
}
