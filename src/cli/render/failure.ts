// A failure in words: what failed and on what, then the next command to type. A bug shows where it happened.
import { TapesError } from '../../errors.ts';
import { asTyped } from './typed-command.ts';

export function renderFailure(error: unknown): string {
  if (error instanceof TapesError) {
    const code = `[${error.code}]`;
    return error.hint === undefined
      ? `tapes: ${error.message}  ${code}\n`
      : `tapes: ${error.message}\nhint: ${asTyped(error.hint)}  ${code}\n`;
  }
  const stack = error instanceof Error ? (error.stack ?? error.message) : String(error);
  const hint = asTyped('report it with these lines and the output of: tapes doctor');
  return `tapes: this is a bug in tapes, not a mistake of yours\n${stack}\nhint: ${hint}\n`;
}
