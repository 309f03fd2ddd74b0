// `tapes doctor [agent]`
import type { Command } from 'commander';

import { exitCodes } from '../../errors.ts';

interface Options {
  readonly home?: string;
  readonly db?: string;
  readonly json?: boolean;
}

export function addDoctorCommand(program: Command): void {
  program
    .command('doctor')
    .description('Check that everything is in place for a run.')
    .argument('[agent]', 'the agent to look for (default: codex)')
    .option('--json', 'print one JSON document')
    .addHelpText(
      'after',
      '\nExits 1 if a check fails. Nothing outside of this machine is contacted.\n\nExample:\n  $ tapes doctor',
    )
    .action(async (agent: string | undefined, _options: unknown, command: Command) => {
      const { runDoctor } = await import('../../app/doctor.ts');
      const { renderChecks } = await import('../render/checks.ts');

      const { openPage, writeJson, writeText } = await import('../render/page.ts');
      const { json, ...places } = command.optsWithGlobals<Options>();
      const checks = await runDoctor({ ...places, agent, environment: process.env, cwd: process.cwd() });
      if (json) writeJson({ checks });
      else writeText(renderChecks(checks, openPage().paint));
      if (checks.some(({ status }) => status === 'fail')) process.exitCode = exitCodes.failed;
    });
}
