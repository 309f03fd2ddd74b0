// `tapes raw <call> --request|--response`: bytes on stdout and nothing else.
import type { Command } from 'commander';

import { TapesError } from '../../errors.ts';

interface Options {
  readonly home?: string;
  readonly db?: string;
  readonly request?: boolean;
  readonly response?: boolean;
}

export function addRawCommand(program: Command): void {
  program
    .command('raw')
    .description('Write the body of a call to stdout: content-decoded, byte for byte, secrets masked.')
    .argument('<call>', 'a call: its id, the beginning of it, or `last` for the newest')
    .option('--request', 'the request body')
    .option('--response', 'the response body; of a call that is still streaming, what has come so far')
    .addHelpText(
      'after',
      `
Examples:
  $ tapes raw last --request | jq .input
  $ tapes raw a1b2c3d4 --response > answer.sse`,
    )
    .action(async (id: string, _options: unknown, command: Command) => {
      const { request = false, response = false, ...places } = command.optsWithGlobals<Options>();
      if (request === response) {
        throw new TapesError('E_USAGE', 'tapes raw writes one body: say which', {
          hint: `tapes raw ${id} --request, or: tapes raw ${id} --response`,
        });
      }
      const { readRaw } = await import('../../app/read-raw.ts');
      const side = request ? 'request' : 'response';
      const { openBodyOutput } = await import('../render/body-output.ts');
      const output = openBodyOutput();
      const problem = await readRaw(places, id, side, output.write);
      const { isChanged } = await output.end();
      const { say } = await import('../render/page.ts');
      const { safeLine } = await import('../render/safe-text.ts');
      if (problem !== null) say(safeLine(problem));
      if (isChanged) say('control characters are shown as signs here: into a file or a pipe go the bytes as they are');
    });
}
