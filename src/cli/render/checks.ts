// The findings of `tapes doctor`: a line each, with the next command below those that need one.
import type { Check, CheckStatus } from '../../app/doctor.ts';
import { safeLine } from './safe-text.ts';
import type { Paint } from './paint.ts';

const marks: Readonly<Record<CheckStatus, string>> = { ok: 'ok', warn: 'note', fail: 'FAIL' };

export function renderChecks(checks: readonly Check[], paint: Paint): string {
  const nameWidth = Math.max(...checks.map(({ name }) => name.length));
  const lines = checks.flatMap(({ name, status, message, hint, durationMs }) => {
    const mark = paintMark(paint, status)(marks[status].padEnd(4));
    const time = paint.dim(`(${durationMs} ms)`);
    const line = `${mark}  ${name.padEnd(nameWidth)}  ${safeLine(message)} ${time}`;
    return hint === undefined ? [line] : [line, `${' '.repeat(nameWidth + 8)}hint: ${safeLine(hint)}`];
  });
  const failed = checks.filter(({ status }) => status === 'fail').length;
  const verdict = failed === 0 ? 'everything is in place' : `${failed} of ${checks.length} checks failed`;
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
  }
}
