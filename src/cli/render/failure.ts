// A failure in words: what failed and on what, then the next command to type. A bug shows where it happened.
import { TapesError } from '../../errors.ts';
import { safeText } from './safe-text.ts';
import { asTyped } from './typed-command.ts';

/** `mask`: takes out of a bug's stack what is secret. */
export function renderFailure(error: unknown, mask = (text: string): string => text): string {
  if (error instanceof TapesError) {
    const code = `[${error.code}]`;
    const message = safeText(error.message);
    return error.hint === undefined
      ? `tapes: ${message}  ${code}\n`
      : `tapes: ${message}\nhint: ${safeText(asTyped(error.hint))}  ${code}\n`;
  }
  const stack = error instanceof Error ? (error.stack ?? error.message) : String(error);
  const hint = asTyped('report it with these lines and the output of: tapes doctor');
  return `tapes: this is a bug in tapes, not a mistake of yours\n${safeText(mask(stack))}\nhint: ${safeText(hint)}\n`;
}
