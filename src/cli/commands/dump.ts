// `tapes dump <run|session|call> [--format pcapng|har|text] [-o FILE]`
import type { Command } from 'commander';

import { TapesError } from '../../errors.ts';

interface Options {
  readonly home?: string;
  readonly db?: string;
  readonly format?: string;
  readonly output?: string;
  readonly force?: boolean;
  readonly dumpBodies: string;
  readonly dumpZstd?: boolean;
}

export function addDumpCommand(program: Command): void {
  program
    .command('dump')
    .description('Write what was recorded for Wireshark, a browser or a text editor.')
    .argument('<id>', 'a session, call or run: its id, the beginning of it, or `last` for the newest session')
    .option('--format <name>', 'pcapng, har or text (default: by the ending of the file, else text)')
    .option('-o, --output <file>', 'the file to write (default, and with -: stdout)')
    .option('--force', 'replace a file that is there already')
    .option('--dump-bodies <how>', 'text: none of the bodies, the head of each, or full', 'full')
    .option('--dump-zstd', 'pcapng: leave bodies under zstd (Wireshark 4.0 does not know it)')
    .addHelpText(
      'after',
      `
Secrets are masked in it, as they are in the database.

Examples:
  $ tapes dump last -o session.pcapng && wireshark session.pcapng
  $ tapes dump a1b2c3d4 --format har -o call.har
  $ tapes dump last | grep -A3 ' < 4[0-9][0-9] '`,
    )
    .action(async (id: string, _options: unknown, command: Command) => {
      const {
        format,
        output = '-',
        force = false,
        dumpBodies,
        dumpZstd = false,
        ...places
      } = command.optsWithGlobals<Options>();
      const { formatOfFile, readBodies, readFormat } = await import('../../app/dump-options.ts');
      const chosen = format === undefined ? (formatOfFile(output) ?? 'text') : readFormat(format, id);
      const options = { format: chosen, bodies: readBodies(dumpBodies), keepZstd: dumpZstd };
      const { dumpTo, dumpToFile } = await import('../../app/dump-recording.ts');
      if (output === '-') {
        if (chosen === 'pcapng' && process.stdout.isTTY) {
          throw new TapesError('E_USAGE', 'a pcapng file is not for a terminal', {
            hint: `tapes dump ${id} -o dump.pcapng`,
          });
        }
        const { openBodyOutput } = await import('../render/body-output.ts');
        const terminal = openBodyOutput();
        await dumpTo(places, id, options, terminal.write);
        await terminal.end();
        return;
      }
      const { exchanges, bytes } = await dumpToFile(places, id, options, output, force);
      const { say } = await import('../render/page.ts');
      const { sayBytes, sayPlural } = await import('../render/words.ts');
      const { safeLine } = await import('../render/safe-text.ts');
      say(`wrote ${sayPlural(exchanges, 'exchange')} to ${safeLine(output)}, ${sayBytes(bytes)}`);
    });
}
