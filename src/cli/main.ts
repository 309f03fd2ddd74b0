// The program: its commands, the options that all of them share, and the one place where a failure becomes words and an exit code.
import { Command, CommanderError, Help } from 'commander';

import { exitCodes, TapesError } from '../errors.ts';
import { tapesVersion } from '../version.ts';
import { addCaCommand } from './commands/ca.ts';
import { addContextCommand } from './commands/context.ts';
import { addDiffCommand } from './commands/diff.ts';
import { addDoctorCommand } from './commands/doctor.ts';
import { addDumpCommand } from './commands/dump.ts';
import { addEnvCommand } from './commands/env.ts';
import { addExportCommand } from './commands/export.ts';
import { addImportCommand } from './commands/import.ts';
import { addInterceptCommand } from './commands/intercept.ts';
import { addProxyCommand } from './commands/proxy.ts';
import { addPruneCommand } from './commands/prune.ts';
import { addRawCommand } from './commands/raw.ts';
import { addRederiveCommand } from './commands/rederive.ts';
import { addRunsCommand } from './commands/runs.ts';
import { addSearchCommand } from './commands/search.ts';
import { addSessionsCommand } from './commands/sessions.ts';
import { addShowCommand } from './commands/show.ts';
import { addStatsCommand } from './commands/stats.ts';
import { addTailCommand } from './commands/tail.ts';
import { addVerifyCommand } from './commands/verify.ts';
import { renderFailure } from './render/failure.ts';
import { knowCommandLine } from './render/typed-command.ts';

/** Runs one command line. Sets `process.exitCode`; never throws. */
export async function main(argv: readonly string[]): Promise<void> {
  // A reader that has seen enough (`| head`) is no failure.
  process.stdout.on('error', (error: NodeJS.ErrnoException) => {
    if (error.code === 'EPIPE') process.exit(process.exitCode ?? 0);
  });
  process.stderr.on('error', () => undefined);
  const program = buildProgram();
  let running: Command = program;
  for (const command of [program, ...program.commands]) {
    command.hook('preSubcommand', (_parent, child) => {
      running = child;
    });
  }
  knowCommandLine(
    program.commands.map((command) => command.name()),
    () => running.optsWithGlobals(),
  );
  try {
    await program.parseAsync(argv, { from: 'user' });
  } catch (error) {
    process.exitCode = await report(error, running, argv);
  }
}

/** The whole command surface; `docs/cli.md` and its test are made from it. */
export function buildProgram(): Command {
  const program = new Command('tapes')
    .description('Records what coding agents send to their model providers, into a SQLite file that you own.')
    .version(tapesVersion(), '-V, --version', 'print the version')
    .helpOption('-h, --help', 'print this help')
    .helpCommand('help [command]', 'print the help of a command')
    .enablePositionalOptions()
    .configureHelp({
      // A list that is empty until something is named needs no word.
      optionDescription(option) {
        const isEmptyList = Array.isArray(option.defaultValue) && option.defaultValue.length === 0;
        return isEmptyList ? option.description : Help.prototype.optionDescription.call(this as Help, option);
      },
    })
    .showHelpAfterError('(see `tapes --help`)')
    .addHelpText(
      'after',
      `
Examples:
  $ tapes intercept -- codex            run Codex and record every turn
  $ tapes sessions                      what has been recorded
  $ tapes show last                     the newest session as a transcript`,
    );
  addInterceptCommand(program);
  addProxyCommand(program);
  addEnvCommand(program);
  addSessionsCommand(program);
  addShowCommand(program);
  addTailCommand(program);
  addContextCommand(program);
  addDiffCommand(program);
  addRawCommand(program);
  addSearchCommand(program);
  addStatsCommand(program);
  addRunsCommand(program);
  addVerifyCommand(program);
  addRederiveCommand(program);
  addDumpCommand(program);
  addExportCommand(program);
  addImportCommand(program);
  addPruneCommand(program);
  addCaCommand(program);
  addDoctorCommand(program);
  for (const command of [program, ...program.commands.flatMap((own) => [own, ...own.commands])]) {
    command
      .exitOverride()
      .option('--home <dir>', 'where tapes keeps its files (default: $TAPES_HOME, else ~/.tapes)')
      .option('--db <file>', 'the database (default: $TAPES_DB, else tapes.db in the home)');
    if (command === program) continue;
    const name = nameOf(command);
    // All of the help would push what is wrong out of sight.
    command
      .showHelpAfterError(`usage: ${name} ${command.usage()}\n(see \`${name} --help\`)`)
      .helpOption('-h, --help', 'print this help');
  }
  return program;
}

/** `tapes ca install` */
const nameOf = (command: Command): string =>
  command.parent === null ? command.name() : `${nameOf(command.parent)} ${command.name()}`;

async function report(error: unknown, running: Command, argv: readonly string[]): Promise<number> {
  if (error instanceof CommanderError) return error.exitCode === 0 ? 0 : exitCodes.usage;
  if (!(error instanceof TapesError)) {
    const { maskReport } = await import('../app/mask-report.ts');
    process.stderr.write(renderFailure(error, (text) => maskReport(text, argv, process.env)));
    return exitCodes.bug;
  }
  process.stderr.write(renderFailure(error));
  // 125 says that an agent was not started, or nothing stands for it: of a command that only looks or changes something it would say nothing.
  const isWay = ['intercept', 'proxy'].includes(running.name());
  return error.exitCode === exitCodes.notStarted && !isWay ? exitCodes.failed : error.exitCode;
}
