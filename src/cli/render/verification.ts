// What `tapes verify` found: what was checked, and a line for each thing that does not fit.
import type { VerifyReport } from '../../store/index.ts';
import type { Paint } from './paint.ts';
import { safeLine } from './safe-text.ts';
import { asTyped } from './typed-command.ts';
import { sayBytes, sayPlural } from './words.ts';

const shownProblems = 50;

export function renderVerification(report: VerifyReport, paint: Paint): string {
  const { bodies, bodyBytes, items, nodes, exchanges, wholeRequests, problems, problemCount } = report;
  const checked = [
    `${bodies} ${bodies === 1 ? 'body' : 'bodies'} (${sayBytes(bodyBytes)})`,
    sayPlural(items, 'item'),
    sayPlural(nodes, 'node'),
    `the headers of ${sayPlural(exchanges, 'exchange')}`,
  ].join(', ');
  const whole = wholeRequests === 0 ? [] : [`${sayPlural(wholeRequests, 'request')} kept whole, not in parts`];
  const lines = problems
    .slice(0, shownProblems)
    .map(({ what, id, message }) => `${paint.red('DAMAGED')}  ${what} ${safeLine(id)}: ${asTyped(safeLine(message))}`);
  const more = problemCount > lines.length ? [`… and ${problemCount - lines.length} more`] : [];
  const verdict =
    problemCount === 0
      ? paint.green('everything is as it was recorded')
      : paint.red(sayPlural(problemCount, 'problem'));
  return [...lines, ...more, `checked ${checked}`, ...whole, verdict].join('\n');
}
