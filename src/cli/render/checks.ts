// The findings of `tapes doctor`: a line each, with the next command below those that need one.
import type { Check, CheckStatus } from '../../app/doctor/check.ts';
import { safeLine } from './safe-text.ts';
import type { Paint } from './paint.ts';

const marks: Readonly<Record<CheckStatus, string>> = { ok: 'ok', warn: 'note', fail: 'FAIL', skip: '-' };

/** `agent`: the one that was to be tried out; null where none was named. */
export function renderChecks(checks: readonly Check[], agent: string | null, paint: Paint): string {
  const nameWidth = Math.max(...checks.map(({ name }) => name.length));
  const lines = checks.flatMap(({ name, status, message, hint, mended, durationMs }) => {
    const mark = paintMark(paint, status)(marks[status].padEnd(4));
    const time = status === 'skip' ? '' : paint.dim(` (${durationMs} ms)`);
    const line = `${mark}  ${name.padEnd(nameWidth)}  ${safeLine(message)}${time}`;
    const below = (text: string): string => `${' '.repeat(nameWidth + 8)}${safeLine(text)}`;
    return [
      line,
      ...(mended === undefined ? [] : [below(`mended: ${mended}`)]),
      ...(hint === undefined ? [] : [below(`hint: ${hint}`)]),
    ];
  });
  const failed = checks.filter(({ status }) => status === 'fail').length;
  const isGood =
    agent === null || !checks.some(({ name }) => name === 'recording')
      ? 'everything is in place\nto prove it, with one turn of the real program on this machine: tapes doctor codex'
      : `proved: this ${agent} works under tapes, and is recorded`;
  const verdict = failed === 0 ? isGood : `${failed} of ${checks.length} checks failed`;
  return [...lines, '', failed === 0 ? verdict : paint.red(verdict)].join('\n');
}

function paintMark(paint: Paint, status: CheckStatus): (text: string) => string {
  switch (status) {
    case 'ok':
      return paint.green;
    case 'warn':
      return paint.magenta;
    case 'fail':
      return paint.red;
    case 'skip':
      return paint.dim;
  }
}
