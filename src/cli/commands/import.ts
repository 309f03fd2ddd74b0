// `tapes import <file>`
import type { Command } from 'commander';

interface Options {
  readonly home?: string;
  readonly db?: string;
  readonly json?: boolean;
}

export function addImportCommand(program: Command): void {
  program
    .command('import')
    .description('Read what `tapes export` wrote: the same ids, the same bytes.')
    .argument('<file>', 'the file, or - for stdin')
    .option('--json', 'one JSON document on stdout')
    .addHelpText(
      'after',
      `
All of the file or nothing of it. What is there already stays as it is.

Examples:
  $ tapes import session.jsonl
  $ gunzip -c session.jsonl.gz | tapes import -`,
    )
    .action(async (file: string, _options: unknown, command: Command) => {
      const { importFrom } = await import('../../app/import-sessions.ts');
      const { say, writeJson } = await import('../render/page.ts');
      const { sayPlural } = await import('../render/words.ts');
      const { safeLine } = await import('../render/safe-text.ts');
      const { json, ...places } = command.optsWithGlobals<Options>();
      const report = await importFrom(places, file, process.stdin);
      if (json) return writeJson(report);
      const { sessions, calls, newCalls } = report;
      const known = newCalls === calls ? '' : `, ${calls - newCalls} were there already`;
      const id = safeLine(sessions[0] ?? 'last');
      say(
        `imported ${sayPlural(newCalls, 'call')} of ${sayPlural(sessions.length, 'session')}${known} · tapes show ${id}`,
      );
    });
}
