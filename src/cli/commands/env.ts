// `tapes env`
import { Option, type Command } from 'commander';

import { guessShell, shells, type Shell } from '../render/shell-lines.ts';

interface Options {
  readonly home?: string;
  readonly db?: string;
  readonly shell?: Shell;
  readonly unset?: boolean;
  readonly force?: boolean;
  readonly json?: boolean;
}

export function addEnvCommand(program: Command): void {
  program
    .command('env')
    .description('Print what a shell has to set to send agents through `tapes proxy`.')
    .addOption(new Option('--shell <name>', 'for this shell (default: told from $SHELL)').choices(shells))
    .option('--unset', 'how to get out again, with what was set before')
    .option('--force', 'also where the proxy is not running')
    .option('--json', 'print one JSON document')
    .addHelpText(
      'after',
      `
Only what is started from that shell afterwards passes through the proxy.
Where none is running, nothing is printed, and the exit code is 1.

Examples:
  $ eval "$(tapes env)"                                     sh, bash, zsh
  $ tapes env --shell fish | source                         fish
  $ tapes env | Out-String | Invoke-Expression              PowerShell
  $ eval "$(tapes env --unset)"                             out again`,
    )
    .action(async (_options: unknown, command: Command) => {
      const { readShellEnvironment } = await import('../../app/shell-environment.ts');
      const { renderChanges, renderEvaluation } = await import('../render/shell-lines.ts');
      const { say, writeJson, writeText } = await import('../render/page.ts');
      const {
        shell = guessShell(process.env, process.platform),
        json,
        unset = false,
        force = false,
        ...places
      } = command.optsWithGlobals<Options>();
      const found = await readShellEnvironment({ ...places, environment: process.env, unset, force });
      if (json) return writeJson({ running: found.isRunning, port: found.port, variables: asJson(found.changes) });
      for (const line of renderChanges(found.changes, shell)) writeText(line);
      if (unset && found.changes.length === 0) say('this shell is not set to pass through a standing proxy');
      else if (!unset && !found.isRunning) say('no standing proxy is running; start one with: tapes proxy');
      else if (process.stdout.isTTY) {
        say(`to take it in: ${renderEvaluation(unset ? 'tapes env --unset' : 'tapes env', shell)}`);
      }
    });
}

const asJson = (changes: readonly { readonly name: string; readonly value: string | null }[]): object =>
  Object.fromEntries(changes.map(({ name, value }) => [name, value]));
