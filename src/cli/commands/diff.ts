// `tapes diff <call> <call>`
import type { Command } from 'commander';

interface Options {
  readonly home?: string;
  readonly db?: string;
  readonly json?: boolean;
}

export function addDiffCommand(program: Command): void {
  program
    .command('diff')
    .description('Compare two calls: items, settings and answers.')
    .argument('<before>', 'a call: its id, the beginning of it, or `last` for the newest')
    .argument('<after>', 'another call, of the same session or not')
    .option('--json', 'one JSON document on stdout')
    .addHelpText(
      'after',
      `
Items are the same by id or by content. Texts that changed are shown by words
where they are short, else by lines; long ones only around the changes.

Examples:
  $ tapes diff a1b2c3d4 last
  $ tapes diff a1b2c3d4 c0ffee01 --json | jq .settings`,
    )
    .action(async (before: string, after: string, _options: unknown, command: Command) => {
      const { diffCalls } = await import('../../app/diff-calls.ts');
      const { openPage, writeJson, writeText } = await import('../render/page.ts');
      const { json, ...places } = command.optsWithGlobals<Options>();
      const { shortIds, ...diff } = await diffCalls(places, before, after);
      if (json) return writeJson(diff);
      const { renderDiff } = await import('../render/diff-view.ts');
      writeText(renderDiff({ ...diff, shortIds }, openPage()));
    });
}
