// `tapes verify`
import type { Command } from 'commander';

import { exitCodes } from '../../errors.ts';

interface Options {
  readonly home?: string;
  readonly db?: string;
  readonly json?: boolean;
}

export function addVerifyCommand(program: Command): void {
  program
    .command('verify')
    .description('Rebuild every recorded body and check every hash.')
    .option('--json', 'one JSON document on stdout')
    .addHelpText(
      'after',
      `
Exits 1 if something does not fit, and lists it. Nothing is changed.

Examples:
  $ tapes verify
  $ tapes verify --json | jq .problems`,
    )
    .action(async (_options: unknown, command: Command) => {
      const { verifyRecordings } = await import('../../app/verify-recordings.ts');
      const { openPage, writeJson, writeText } = await import('../render/page.ts');
      const { openProgress } = await import('../render/progress.ts');
      const { json, ...places } = command.optsWithGlobals<Options>();
      const progress = openProgress(process.stderr);
      const report = await verifyRecordings(places, ({ what, done, all }) => {
        progress.show(`checked ${done} of ${all} ${what}`);
      }).finally(() => progress.end());
      if (report.problemCount > 0) process.exitCode = exitCodes.failed;
      if (json) return writeJson(report);
      const { renderVerification } = await import('../render/verification.ts');
      writeText(renderVerification(report, openPage().paint));
    });
}
