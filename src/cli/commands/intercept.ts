// `tapes intercept [options] -- <command> [args…]`
import type { Command } from 'commander';

import { TapesError } from '../../errors.ts';
import { readSize } from './list-options.ts';
import { addWayOptions, collect, readPort } from './proxy-options.ts';

interface Options {
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
  readonly dump: readonly string[];
  readonly force?: boolean;
  readonly dumpBodies: string;
  readonly dumpSecrets?: boolean;
  readonly dumpZstd?: boolean;
  readonly dumpMaxBytes?: number;
  readonly dumpFiles?: number;
  readonly dumpTls?: string;
  readonly keylog?: string;
  readonly quiet?: boolean;
  readonly verbose?: boolean;
}

export function addInterceptCommand(program: Command): void {
  addWayOptions(program.command('intercept'))
    .usage('[options] -- <command> [args…]')
    .description('Run an agent under the interceptor and record what it sends.')
    .argument('<command...>', 'the agent and its arguments, as you would type them')
    .passThroughOptions()
    .option('--agent <name>', 'the agent that the command is (default: told from the command)')
    .option('--port <n>', 'the port to listen on, on 127.0.0.1; 0 picks a free one', readPort, 0)
    .option('--label <text>', 'a name for this run')
    .option('--no-record', 'intercept, and keep nothing')
    .option(
      '--dump <path>',
      'also write what passes: .pcapng, .har, .txt or .log, a folder for one of each, - for stderr; may be repeated',
      collect,
      [],
    )
    .option('--force', 'replace dump files that are there already')
    .option('--dump-bodies <how>', 'text dumps: none of the bodies, the head of each, or full', 'full')
    .option('--dump-secrets', 'leave secrets in dumps')
    .option('--dump-zstd', 'pcapng dumps: leave bodies under zstd (Wireshark 4.0 does not know it)')
    .option('--dump-max-bytes <size>', 'go on in a next dump file when one has this size: 100MB', (value) =>
      readSize(value, '--dump-max-bytes'),
    )
    .option('--dump-files <n>', 'keep this many of them, the newest', readCount)
    .option('--dump-tls <file>', 'write ciphertext as it was on the wire, with its keys (SECRET in its name, .pcapng)')
    .option('--keylog <file>', 'append the keys of all TLS connections (default: $SSLKEYLOGFILE, if set)')
    .option('-q, --quiet', 'print no summary at the end')
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
      const { renderSummary } = await import('../render/summary.ts');
      const options = command.optsWithGlobals<Options>();
      const { say } = await import('../render/page.ts');
      const { dumpWarnings, readDumpRequest } = await import('../../app/dump-options.ts');
      const dump = readDumpRequest(options, process.env, process.stdin.isTTY && process.stdout.isTTY);
      for (const warning of dumpWarnings(dump)) say(`warning: ${warning}`);
      const { child, recording, warnings } = await intercept({
        ...options,
        ephemeralCa: options.ephemeralCa ?? false,
        dump,
        argv,
        environment: process.env,
        cwd: process.cwd(),
        onProgress: options.verbose ? say : () => undefined,
      });
      process.exitCode = child.exitCode;
      if (!options.quiet) {
        for (const line of [...warnings, ...(recording === null ? [] : renderSummary(recording))]) say(line);
      }
      // All is on disk and said. mockttp keeps a timer of 100 ms or more for each TLS connection, which nobody needs to wait for.
      process.stderr.write('', () => process.exit());
    });
}

function readCount(value: string): number {
  const count = Number(value);
  if (/^\d+$/.test(value) && count > 0 && Number.isSafeInteger(count)) return count;
  throw new TapesError('E_USAGE', `--dump-files ${value} is not a whole number above 0`, {
    hint: 'name a number: --dump-files 5',
  });
}
