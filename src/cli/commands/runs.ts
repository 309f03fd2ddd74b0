// `tapes runs`
import type { Command } from 'commander';

import type { ListOptions } from './list-options.ts';
import { defaultLimit, readLimit, readSince } from './list-options.ts';

export function addRunsCommand(program: Command): void {
  program
    .command('runs')
    .description('List the invocations of tapes, newest first.')
    .option('--json', 'one JSON document on stdout')
    .option('--limit <n>', 'at most this many', readLimit, defaultLimit)
    .option('--all', 'also runs that never started, and standing proxies')
    .option('--agent <name>', 'only runs of this agent')
    .option('--since <time>', 'only what ran since then: 30m, 12h, 7d, 2w, or a date', (value) => readSince(value))
    .addHelpText(
      'after',
      `
On a terminal the table is cut to its width; in a pipe nothing is cut.
For programs there is --json.

Examples:
  $ tapes runs --since 2d
  $ tapes runs --json --limit 1`,
    )
    .action(async (_options: unknown, command: Command) => {
      const { listRuns } = await import('../../app/list-runs.ts');
      const { openPage, say, writeJson, writeText } = await import('../render/page.ts');
      const { json, all = false, limit, agent, since, ...places } = command.optsWithGlobals<ListOptions>();
      const runs = await listRuns(places, { all, limit, agent, since });
      if (json) return writeJson(runs);
      if (runs.length === 0) return say('no runs to show. Start one with: tapes intercept -- codex');
      const { renderRuns } = await import('../render/runs-table.ts');
      writeText(renderRuns(runs, openPage()));
    });
}
