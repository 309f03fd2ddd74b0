// `tapes proxy [options]`
import type { Command } from 'commander';

import type { LiveDumpFlags } from '../../app/dump-options.ts';
import { addLiveDumpOptions } from './live-dump-options.ts';
import { addWayOptions, readPort } from './proxy-options.ts';

interface Options extends LiveDumpFlags {
  readonly home?: string;
  readonly db?: string;
  readonly agent?: string;
  readonly port?: number;
  readonly resolve: readonly string[];
  readonly upstreamCa?: string;
  readonly upstreamProxy?: string;
  readonly label?: string;
  readonly hostName: readonly string[];
  readonly ephemeralCa?: boolean;
  readonly record: boolean;
  readonly auth: boolean;
  readonly quiet?: boolean;
  readonly verbose?: boolean;
}

export function addProxyCommand(program: Command): void {
  addLiveDumpOptions(addWayOptions(program.command('proxy')))
    .description('Stand as an interceptor for agents that start themselves.')
    .option('--agent <name>', 'only the hosts of this agent (default: of all that tapes knows)')
    .option('--port <n>', 'the port to listen on, on 127.0.0.1; 0 picks a free one (default: as last time)', readPort)
    .option('--label <text>', 'a name for the runs')
    .option('--no-auth', 'ask for no password, for clients that cannot send one')
    .option('--no-record', 'intercept, and keep nothing')
    .option('-q, --quiet', 'print no summary at the end, only what is lost')
    .option('-v, --verbose', 'say what is done')
    .addHelpText(
      'after',
      `
Runs until Ctrl-C or SIGTERM, then waits for what is open, for 10 seconds at
the most; a second Ctrl-C ends it at once. Port and password stay the same from
one time to the next, so an environment that was taken in once stays valid.

Examples:
  $ tapes proxy                         in a terminal of its own
  $ tapes proxy --dump all.pcapng --dump-max-bytes 100MB --dump-files 10
  $ eval "$(tapes env)"                 in another; then start agents there`,
    )
    .action(async (_options: unknown, command: Command) => {
      const { runProxy } = await import('../../app/proxy.ts');
      const { say, writeText } = await import('../render/page.ts');
      const { renderSessionReports } = await import('../render/session-lines.ts');
      const { openProgress, sayLeft } = await import('../render/progress.ts');
      const { renderLosses } = await import('../render/summary.ts');
      const { guessShell, renderChanges, renderEvaluation } = await import('../render/shell-lines.ts');
      const options = command.optsWithGlobals<Options>();
      const shell = guessShell(process.env, process.platform);
      const { dumpWarnings, readDumpRequest } = await import('../../app/dump-options.ts');
      // What it prints is for whoever started it, so text on stderr is in nobody's way.
      const dump = readDumpRequest(options, process.env, false);
      for (const warning of dumpWarnings(dump)) say(`warning: ${warning}`);
      const progress = openProgress(process.stderr);
      const { recorded, dumped } = await runProxy({
        ...options,
        ephemeralCa: options.ephemeralCa ?? false,
        dump,
        ...hearSignals(),
        environment: process.env,
        cwd: process.cwd(),
        onProgress: options.verbose ? say : () => undefined,
        onWarning: say,
        onWaiting(events) {
          if (!options.quiet) progress.show(sayLeft(events));
        },
        onReady(changes, { port }) {
          say(
            `listening on 127.0.0.1:${port} until Ctrl-C. To send agents through it: ${renderEvaluation('tapes env', shell)}`,
          );
          for (const line of renderChanges(changes, shell)) writeText(line);
        },
      });
      progress.end();
      if (!options.quiet) for (const line of dumped) say(line);
      const render = options.quiet ? renderLosses : renderSessionReports;
      if (recorded !== null) for (const line of render(recorded)) say(line);
      // All is on disk and said. mockttp keeps a timer for each TLS connection, which nobody needs to wait for.
      process.stderr.write('', () => process.exit());
    });
}

/** The first signal stops, the second does so at once. Handlers stand until the end: what is left to do then is bounded in time. */
function hearSignals(): { readonly stop: AbortSignal; readonly stopAtOnce: AbortSignal } {
  const stop = new AbortController();
  const stopAtOnce = new AbortController();
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) {
    process.on(signal, () => {
      // One closed terminal may send SIGHUP more than once.
      if (stop.signal.aborted && signal !== 'SIGHUP') stopAtOnce.abort();
      stop.abort();
    });
  }
  return { stop: stop.signal, stopAtOnce: stopAtOnce.signal };
}
