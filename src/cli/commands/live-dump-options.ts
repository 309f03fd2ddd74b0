// Options of dumps that are written while traffic passes, which `tapes intercept` and `tapes proxy` share.
import type { Command } from 'commander';

import { TapesError } from '../../errors.ts';
import { readSize } from './list-options.ts';
import { collect } from './proxy-options.ts';

export function addLiveDumpOptions(command: Command): Command {
  return command
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
    .option('--keylog <file>', 'append the keys of all TLS connections (default: $SSLKEYLOGFILE, if set)');
}

function readCount(value: string): number {
  const count = Number(value);
  if (/^\d+$/.test(value) && count > 0 && Number.isSafeInteger(count)) return count;
  throw new TapesError('E_USAGE', `--dump-files ${value} is not a whole number above 0`, {
    hint: 'name a number: --dump-files 5',
  });
}
