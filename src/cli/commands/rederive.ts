// `tapes rederive`
import type { Command } from 'commander';

import { exitCodes } from '../../errors.ts';

interface Options {
  readonly home?: string;
  readonly db?: string;
  readonly json?: boolean;
}

export function addRederiveCommand(program: Command): void {
  program
    .command('rederive')
    .description('Derive sessions, threads, turns, calls and what can be searched for again from what was recorded.')
    .option('--json', 'one JSON document on stdout')
    .addHelpText(
      'after',
      `
For after an upgrade, or when these rows were damaged. The recording itself is
not changed; what comes out the same is not written. Exits 1 if a call could
not be derived because its bodies are damaged: its session stays as it was.

Example:
  $ tapes rederive`,
    )
    .action(async (_options: unknown, command: Command) => {
      const { rederiveRecordings } = await import('../../app/rederive-recordings.ts');
      const { openPage, writeJson, writeText } = await import('../render/page.ts');
      const { openProgress } = await import('../render/progress.ts');
      const { json, ...places } = command.optsWithGlobals<Options>();
      const progress = openProgress(process.stderr);
      const report = await rederiveRecordings(places, ({ done, all }) => {
        progress.show(`derived ${done} of ${all} calls`);
      }).finally(() => progress.end());
      if (report.left.length > 0) process.exitCode = exitCodes.failed;
      if (json) return writeJson(report);
      const { renderRederivation } = await import('../render/rederivation.ts');
      writeText(renderRederivation(report, openPage().paint));
    });
}
