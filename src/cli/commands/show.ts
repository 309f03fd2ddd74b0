// `tapes show <session|turn|call|last>`
import type { Command } from 'commander';

interface Options {
  readonly home?: string;
  readonly db?: string;
  readonly json?: boolean;
  readonly full?: boolean;
  readonly thread?: string;
  readonly turn?: string;
}

export function addShowCommand(program: Command): void {
  program
    .command('show')
    .description('Show a session, one turn or one call of it, like a transcript.')
    .argument('[id]', 'a session, turn or call: its id, the beginning of it, or `last` for the newest session', 'last')
    .option('--json', 'one JSON document on stdout')
    .option('--full', 'show long tool calls and results whole')
    .option('--thread <id>', 'only this thread of the session: its id or agent name')
    .option('--turn <id|n>', 'only this turn of the session: its id, its number, or `last`')
    .addHelpText(
      'after',
      `
A call is shown with its headers, sizes and hashes. Secrets are masked in
everything that was recorded.

Examples:
  $ tapes show
  $ tapes show 01a20768 --full
  $ tapes show last --turn 2
  $ tapes show last --thread /root/task_one
  $ tapes show last --json`,
    )
    .action(async (id: string, _options: unknown, command: Command) => {
      const { showRecording } = await import('../../app/show-recording.ts');
      const { openPage, writeJson, writeText } = await import('../render/page.ts');
      const { json, full = false, thread, turn, ...places } = command.optsWithGlobals<Options>();
      const shown = await showRecording(places, id, { thread, turn });
      if (json) {
        const { renderShownJson } = await import('../render/shown-json.ts');
        return writeJson(renderShownJson(shown));
      }
      const { renderTranscript } = await import('../render/transcript.ts');
      writeText(renderTranscript(shown, openPage(), { full }));
    });
}
