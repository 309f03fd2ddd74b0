// Options that `tapes intercept` and `tapes proxy` share.
import type { Command } from 'commander';

import { TapesError } from '../../errors.ts';

export function readPort(value: string): number {
  const port = Number(value);
  if (/^\d+$/.test(value) && port <= 65_535) return port;
  throw new TapesError('E_PORT_INVALID', `--port ${value} is not a number from 0 to 65535`, {
    hint: 'run with --port 0 to pick a free one',
  });
}

/** Of an option that may be repeated. */
export const collect = (value: string, earlier: readonly string[]): string[] => [...earlier, value];

/** The options that all have which intercept: what is intercepted, with which root, and the way upstream. */
export function addWayOptions(command: Command): Command {
  return command
    .option(
      '--resolve <host:port:address[:port]>',
      'connect to this address instead, as curl does; may be repeated',
      collect,
      [],
    )
    .option('--upstream-ca <file>', 'PEM file of roots to trust upstream, besides the usual ones')
    .option('--upstream-proxy <url>', 'the proxy to reach the provider by (default: HTTPS_PROXY, as the agent would)')
    .option(
      '--host-name <glob>',
      "also intercept this host: llm.example.com, '*.example.com'; may be repeated",
      collect,
      [],
    )
    .option('--ephemeral-ca', 'a root for this run alone, its key in memory and nowhere else');
}
