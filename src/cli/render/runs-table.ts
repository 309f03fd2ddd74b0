// `tapes runs` for people.
import type { Run } from '../../domain/index.ts';
import type { Page } from './page.ts';
import type { Paint } from './paint.ts';
import { safeLine } from './safe-text.ts';
import type { Column } from './table.ts';
import { renderTable } from './table.ts';
import { sayCount, sayDuration, sayWhen } from './words.ts';

export function renderRuns(runs: readonly Run[], { paint, width, now }: Page): string {
  const lost: Column<Run> = {
    title: 'LOST',
    align: 'right',
    text: (run) => (run.dropped === 0 ? '' : sayCount(run.dropped)),
    paint: (text) => paint.red(text),
  };
  const columns: readonly Column<Run>[] = [
    { title: 'ID', text: (run) => run.id.slice(0, 8), paint: (text) => paint.bold(text) },
    { title: 'STARTED', text: (run) => sayWhen(run.startedAt, now) },
    { title: 'LASTED', align: 'right', text: (run) => durationOf(run, now) },
    { title: 'CALLS', align: 'right', text: (run) => sayCount(run.calls) },
    { title: 'REQUESTS', align: 'right', text: (run) => sayCount(run.exchanges) },
    ...(runs.some((run) => run.dropped > 0) ? [lost] : []),
    { title: 'RESULT', text: resultOf, paint: (text, run) => paintResult(paint, text, run) },
    { title: 'COMMAND', text: (run) => safeLine(run.label ?? commandOf(run)) },
  ];
  return renderTable(runs, columns, paint, width);
}

function durationOf(run: Run, now: number): string {
  if (run.endedAt === null && run.status !== 'running') return '';
  return sayDuration((run.endedAt === null ? now : Date.parse(run.endedAt)) - Date.parse(run.startedAt));
}

function resultOf(run: Run): string {
  if (run.status !== 'ended') return run.status;
  if (run.signal !== null) return run.signal;
  // Nobody sees how an agent ends that tapes has not started.
  if (run.exitCode === null) return run.kind === 'intercept' ? 'not started' : 'ended';
  return `exit ${run.exitCode}`;
}

function paintResult(paint: Paint, text: string, run: Run): string {
  if (run.status === 'running') return paint.cyan(text);
  if (run.status === 'interrupted' || run.signal !== null) return paint.magenta(text);
  return run.exitCode === 0 || text === 'ended' ? text : paint.red(text);
}

/** Without the folder of the program: --json has all of it. */
function commandOf({ argv: [program, ...rest], agent }: Run): string {
  if (program === undefined) return `(${agent ?? 'unknown'})`;
  return [program.slice(program.lastIndexOf('/') + 1), ...rest].map(quote).join(' ');
}

/** As one would type it in a shell. */
const quote = (argument: string): string =>
  /^[\w@%+=:,./-]+$/.test(argument) ? argument : `'${argument.replaceAll("'", String.raw`'\''`)}'`;
