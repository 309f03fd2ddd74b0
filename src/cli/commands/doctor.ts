// `tapes doctor [agent]`
import type { Command } from 'commander';

import { exitCodes, TapesError } from '../../errors.ts';

interface Options {
  readonly home?: string;
  readonly db?: string;
  readonly fix?: boolean;
  readonly timeout: number;
  readonly json?: boolean;
}

const defaultTimeoutS = 15;

export function addDoctorCommand(program: Command): void {
  program
    .command('doctor')
    .description('Check that everything is in place for a run; with an agent, prove it.')
    .argument('[agent]', 'prove it with this agent: codex')
    .option('--fix', 'mend what can be mended safely')
    .option('--timeout <seconds>', 'how long the agent may take for its turn', readSeconds, defaultTimeoutS)
    .option('--json', 'print one JSON document')
    .addHelpText(
      'after',
      `
Without an agent nothing is started but its --version. With one, the real
program makes one turn in a throw-away home, with a login that is made up,
against a provider on this machine; the proxy refuses every other host.
No login and no network are used. Exits 1 if a check fails.

Examples:
  $ tapes doctor                        is everything in place?
  $ tapes doctor codex                  prove it with the Codex on your PATH
  $ tapes doctor codex --fix            and mend what can be mended`,
    )
    .action(async (agent: string | undefined, _options: unknown, command: Command) => {
      const { runDoctor } = await import('../../app/doctor.ts');
      const { renderChecks } = await import('../render/checks.ts');
      const { asTyped, asTypedDocument } = await import('../render/typed-command.ts');
      const { openPage, writeJson, writeText } = await import('../render/page.ts');
      const { json, fix = false, timeout, ...places } = command.optsWithGlobals<Options>();
      if (agent === undefined && command.getOptionValueSource('timeout') === 'cli') {
        throw new TapesError('E_USAGE', '--timeout is for the turn of an agent, and none is named', {
          hint: `tapes doctor codex --timeout ${timeout}`,
        });
      }
      const checks = await runDoctor({
        ...places,
        agent,
        fix,
        timeoutMs: timeout * 1000,
        environment: process.env,
        cwd: process.cwd(),
      });
      if (json) writeJson(asTypedDocument({ checks }));
      else writeText(asTyped(renderChecks(checks, agent ?? null, openPage().paint)));
      if (checks.some(({ status }) => status === 'fail')) process.exitCode = exitCodes.failed;
      // All is said. The engine keeps a timer of 100 ms or more for each TLS connection, which nobody needs to wait for.
      process.stdout.write('', () => process.exit());
    });
}

function readSeconds(value: string): number {
  const seconds = Number(value);
  if (seconds > 0 && seconds <= 600) return seconds;
  throw new TapesError('E_USAGE', `--timeout ${value} is not a number of seconds, up to 600`, {
    hint: `tapes doctor codex --timeout ${defaultTimeoutS}`,
  });
}
