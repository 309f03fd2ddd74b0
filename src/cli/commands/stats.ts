// `tapes stats`
import type { Command } from 'commander';

import type { ListOptions } from './list-options.ts';
import { readLimit, readSince } from './list-options.ts';

export function addStatsCommand(program: Command): void {
  program
    .command('stats')
    .description('Sum up what was recorded: tokens, cost, times, by model, day and session.')
    .option('--json', 'one JSON document on stdout')
    .option('--since <time>', 'only calls since then: 30m, 12h, 7d, 2w, or a date', (value) => readSince(value))
    .option('--agent <name>', 'only calls of this agent')
    .option('--limit <n>', 'at most this many sessions and days', readLimit, 10)
    .addHelpText(
      'after',
      `
Prewarms and title requests count as calls, for they use tokens too; sessions,
turns and times are those of your own prompts. A model without a price is said
so; name it in prices.json in the home.

Examples:
  $ tapes stats --since 7d
  $ tapes stats --json | jq .byModel`,
    )
    .action(async (_options: unknown, command: Command) => {
      const { readStats } = await import('../../app/read-stats.ts');
      const { openPage, say, writeJson, writeText } = await import('../render/page.ts');
      const { json, limit, agent, since, ...places } = command.optsWithGlobals<ListOptions>();
      const reading = readStats(places, { limit, agent, since });
      // Loaded while SQLite counts.
      const [stats, { renderStats }] = await Promise.all([reading, import('../render/stats-page.ts')]);
      if (json) return writeJson(stats);
      if (stats.calls === 0) return say('no calls to sum up. Record some with: tapes intercept -- codex');
      writeText(renderStats(stats, openPage()));
    });
}
