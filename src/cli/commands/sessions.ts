// `tapes sessions`
import type { Command } from 'commander';

import type { ListOptions } from './list-options.ts';
import { defaultLimit, readLimit, readSince } from './list-options.ts';

export function addSessionsCommand(program: Command): void {
  program
    .command('sessions')
    .description('List the recorded sessions, the most recently active first.')
    .option('--json', 'one JSON document on stdout')
    .option('--limit <n>', 'at most this many', readLimit, defaultLimit)
    .option('--all', "also the agent's own background sessions (requests for a title)")
    .option('--agent <name>', 'only sessions of this agent')
    .option('--since <time>', 'only what was active since then: 30m, 12h, 7d, 2w, or a date', (value) =>
      readSince(value),
    )
    .addHelpText(
      'after',
      `
On a terminal the table is cut to its width; in a pipe nothing is cut.
For programs there is --json.

Examples:
  $ tapes sessions --since 2d
  $ tapes sessions --json --limit 1`,
    )
    .action(async (_options: unknown, command: Command) => {
      const { listSessions } = await import('../../app/list-sessions.ts');
      const { openPage, say, writeJson, writeText } = await import('../render/page.ts');
      const { json, all = false, limit, agent, since, ...places } = command.optsWithGlobals<ListOptions>();
      const sessions = await listSessions(places, { all, limit, agent, since });
      if (json) return writeJson(sessions);
      if (sessions.length === 0) return say('no sessions to show. Record one with: tapes intercept -- codex');
      const { renderSessions } = await import('../render/sessions-table.ts');
      writeText(renderSessions(sessions, openPage()));
    });
}
