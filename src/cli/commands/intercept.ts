// `tapes intercept [options] -- <command> [args…]`
import type { Command } from 'commander';

import type { LiveDumpFlags } from '../../app/dump-options.ts';
import { addLiveDumpOptions } from './live-dump-options.ts';
import { addWayOptions, readPort } from './proxy-options.ts';

interface Options extends LiveDumpFlags {
  readonly home?: string;
  readonly db?: string;
  readonly agent?: string;
  readonly port: number;
  readonly resolve: readonly string[];
  readonly upstreamCa?: string;
  readonly upstreamProxy?: string;
  readonly label?: string;
  readonly hostName: readonly string[];
  readonly ephemeralCa?: boolean;
  readonly record: boolean;
  readonly quiet?: boolean;
  readonly verbose?: boolean;
}

export function addInterceptCommand(program: Command): void {
  addLiveDumpOptions(addWayOptions(program.command('intercept')))
    .usage('[options] -- <command> [args…]')
    .description('Run an agent under the interceptor and record what it sends.')
    .argument('<command...>', 'the agent and its arguments, as you would type them')
    .passThroughOptions()
    .option('--agent <name>', 'the agent that the command is (default: told from the command)')
    .option('--port <n>', 'the port to listen on, on 127.0.0.1; 0 picks a free one', readPort, 0)
    .option('--label <text>', 'a name for this run')
    .option('--no-record', 'intercept, and keep nothing')
    .option('-q, --quiet', 'print no summary at the end, only what is lost')
    .option('-v, --verbose', 'say what is done, before and after the run')
    .addHelpText(
      'after',
      `
The exit code is the command's own; 125: tapes could not start it, 126: it
cannot be executed, 127: there is no such command.

Examples:
  $ tapes intercept -- codex
  $ tapes intercept --label "fix the parser" -- codex exec "fix the parser"
  $ tapes intercept --dump run.pcapng --dump run.txt -- codex`,
    )
    .action(async (argv: string[], _options: unknown, command: Command) => {
      const { intercept } = await import('../../app/intercept.ts');
      const { renderLosses, renderSummary } = await import('../render/summary.ts');
      const options = command.optsWithGlobals<Options>();
      const { say } = await import('../render/page.ts');
      const { openProgress, sayLeft } = await import('../render/progress.ts');
      const { dumpWarnings, readDumpRequest } = await import('../../app/dump-options.ts');
      const dump = readDumpRequest(options, process.env, process.stdin.isTTY && process.stdout.isTTY);
      for (const warning of dumpWarnings(dump)) say(`warning: ${warning}`);
      const progress = openProgress(process.stderr);
      const { child, recording, warnings } = await intercept({
        ...options,
        ephemeralCa: options.ephemeralCa ?? false,
        dump,
        argv,
        environment: process.env,
        cwd: process.cwd(),
        onProgress: options.verbose ? say : () => undefined,
        onWaiting(events) {
          if (!options.quiet) progress.show(sayLeft(events));
        },
      });
      progress.end();
      process.exitCode = child.exitCode;
      const render = options.quiet ? renderLosses : renderSummary;
      const lines = [...(options.quiet ? [] : warnings), ...(recording === null ? [] : render(recording))];
      for (const line of lines) say(line);
      // All is on disk and said. mockttp keeps a timer of 100 ms or more for each TLS connection, which nobody needs to wait for.
      process.stderr.write('', () => process.exit());
    });
}
