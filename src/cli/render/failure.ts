// A failure in words: what failed and on what, then the next command to type. A bug shows where it happened.
import { TapesError } from '../../errors.ts';
import { safeText } from './safe-text.ts';

export function renderFailure(error: unknown): string {
  if (error instanceof TapesError) {
    const code = `[${error.code}]`;
    const message = safeText(error.message);
    return error.hint === undefined
      ? `tapes: ${message}  ${code}\n`
      : `tapes: ${message}\nhint: ${safeText(error.hint)}  ${code}\n`;
  }
  const stack = error instanceof Error ? (error.stack ?? error.message) : String(error);
  return `tapes: this is a bug in tapes, not a mistake of yours\n${safeText(stack)}\nhint: report it with these lines and the output of: tapes doctor\n`;
}
