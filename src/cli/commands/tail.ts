// `tapes tail`
import type { Command } from 'commander';

interface Options {
  readonly home?: string;
  readonly db?: string;
  readonly json?: boolean;
  readonly all?: boolean;
  readonly session?: string;
}

export function addTailCommand(program: Command): void {
  program
    .command('tail')
    .description('Follow what agents do, as they do it: turns, calls, tools, answers.')
    .option('--json', 'one JSON object a line')
    .option('--session <id>', 'only this session: its id, the beginning of it, or `last`')
    .option('--all', "also the agent's own background sessions (requests for a title)")
    .addHelpText(
      'after',
      `
Begins with what is running now, and goes on until Ctrl-C (exit code 0). It may
be started before anything has been recorded: then it waits.

Examples:
  $ tapes tail
  $ tapes tail --session last
  $ tapes tail --json | jq 'select(.type == "callEnded") | .usage'`,
    )
    .action(async (_options: unknown, command: Command) => {
      const { tail } = await import('../../app/tail.ts');
      const { openPage, say } = await import('../render/page.ts');
      const { safeJson, safeLine } = await import('../render/safe-text.ts');
      const { renderTailLine } = await import('../render/tail-lines.ts');
      const { json, session, all = false, ...places } = command.optsWithGlobals<Options>();
      const stop = new AbortController();
      const interrupt = (): void => stop.abort();
      process.once('SIGINT', interrupt);
      try {
        await tail(places, {
          session,
          all,
          signal: stop.signal,
          say: (line) => say(safeLine(line)),
          tell: (events) => {
            // The terminal may have been made wider or narrower since.
            const page = openPage();
            const lines = events.map((event) => (json ? safeJson(JSON.stringify(event)) : renderTailLine(event, page)));
            process.stdout.write(
              lines
                .filter((line) => line !== null)
                .map((line) => `${line}\n`)
                .join(''),
            );
          },
        });
      } finally {
        process.off('SIGINT', interrupt);
      }
    });
}
