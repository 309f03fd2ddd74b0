// `tapes export <session…> [-o FILE]`
import type { Command } from 'commander';

import { TapesError } from '../../errors.ts';

interface Options {
  readonly home?: string;
  readonly db?: string;
  readonly format: string;
  readonly output?: string;
  readonly force?: boolean;
}

export function addExportCommand(program: Command): void {
  program
    .command('export')
    .description('Write sessions so that `tapes import` gives the same on another machine.')
    .argument('<session...>', 'sessions: ids, beginnings of them, or `last`')
    .option('--format <name>', 'jsonl: one JSON object a line', 'jsonl')
    .option('-o, --output <file>', 'the file to write (default, and with -: stdout)')
    .option('--force', 'replace a file that is there already')
    .addHelpText(
      'after',
      `
Secrets are masked in it, as they are in the database.

Examples:
  $ tapes export last -o session.jsonl
  $ tapes export 01a20768 | ssh other-machine tapes import -`,
    )
    .action(async (ids: readonly string[], _options: unknown, command: Command) => {
      const { format, output = '-', force = false, ...places } = command.optsWithGlobals<Options>();
      if (format !== 'jsonl') {
        throw new TapesError('E_USAGE', `--format ${format} is not known: tapes exports jsonl`, {
          hint: `tapes export ${ids.join(' ')} --format jsonl`,
        });
      }
      const { exportTo, exportToFile } = await import('../../app/export-sessions.ts');
      if (output === '-') {
        const { openBodyOutput } = await import('../render/body-output.ts');
        const terminal = openBodyOutput();
        await exportTo(places, ids, terminal.write);
        await terminal.end();
        return;
      }
      const { sessions, records } = await exportToFile(places, ids, output, force);
      const { say } = await import('../render/page.ts');
      const { sayPlural } = await import('../render/words.ts');
      const { safeLine } = await import('../render/safe-text.ts');
      const what = `${sayPlural(sessions.length, 'session')} in ${sayPlural(records, 'record')}`;
      say(`exported ${what} · tapes import ${safeLine(output)}`);
    });
}
