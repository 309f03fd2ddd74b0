// What `tapes ca` did or found: a line for each store, what it needs below it, and the next command.
import type { StoreResult } from '../../app/change-trust.ts';
import type { CreateCaReport, RootSummary } from '../../app/create-ca.ts';
import type { CaStatus, StoreStatus } from '../../app/describe-ca.ts';
import type { InstallCaReport } from '../../app/install-ca.ts';
import type { RotateCaReport } from '../../app/rotate-ca.ts';
import type { UninstallCaReport } from '../../app/uninstall-ca.ts';
import { shellWord } from '../../domain/index.ts';
import type { Paint } from './paint.ts';
import { safeLine } from './safe-text.ts';
import { sayPlural } from './words.ts';

export function renderCreated({ root, caFolder, permittedDomains }: CreateCaReport, paint: Paint): string {
  if (root === null) return `a root would be made in ${caFolder}, for ${permittedDomains.join(', ')}`;
  return [
    `${root.isNew ? 'made a root' : 'there is a root already'}: ${root.certificateFile}`,
    ...aboutRoot(root),
    paint.dim('for agents that tapes does not start itself: tapes ca install; for the others nothing needs to be done'),
  ].join('\n');
}

export function renderInstalled({ root, dryRun, stores, warnings }: InstallCaReport, paint: Paint): string {
  const head =
    root === null
      ? ['a root would be made first; its fingerprint takes the place of FINGERPRINT']
      : root.isNew
        ? [`made a root: ${root.certificateFile}`, ...aboutRoot(root)]
        : [];
  const isDone = stores.some(({ outcome }) => outcome === 'installed' || outcome === 'already');
  const next = dryRun
    ? []
    : isDone
      ? ['', paint.dim('look: tapes ca status · take it out again: tapes ca uninstall')]
      : [];
  const notes = warnings.map((warning) => `${paint.magenta('note')}  ${safeLine(warning)}`);
  return [...head, ...stores.flatMap((result) => renderResult(result, paint)), ...notes, ...next].join('\n');
}

export function renderUninstalled(report: UninstallCaReport, paint: Paint): string {
  const { stores, affectedRuns, dryRun, caFolder } = report;
  if (stores.length === 0) return 'nothing is installed by tapes in any of these stores';
  const runs =
    affectedRuns.length === 0
      ? []
      : [
          `${sayPlural(affectedRuns.length, 'run')} still signed with it: programs that trusted it by a store now refuse that`,
        ];
  const next =
    dryRun || report.failed
      ? []
      : ['', paint.dim(`the root itself is still there: ${caFolder}; remove it with: rm -r ${shellWord(caFolder)}`)];
  return [...stores.flatMap((result) => renderResult(result, paint)), ...runs, ...next].join('\n');
}

export function renderRotated(report: RotateCaReport, paint: Paint): string {
  const { root, waiting, dryRun, stores, runsOnEarlier, permittedDomains } = report;
  const head =
    root !== null
      ? [`made a new root: ${root.certificateFile}`, ...aboutRoot(root)]
      : dryRun
        ? [`a new root would be ${waiting === null ? 'made' : 'used, which waits'}, for ${permittedDomains.join(', ')}`]
        : [
            'the new root is not used yet: a store could not take it',
            'until then the one before signs, and is trusted, as it was',
          ];
  const runs =
    root === null || runsOnEarlier.length === 0
      ? []
      : [
          `${sayPlural(runsOnEarlier.length, 'run')} still ${runsOnEarlier.length === 1 ? 'signs' : 'sign'} with an earlier root, until ${runsOnEarlier.length === 1 ? 'it ends' : 'they end'}`,
        ];
  const next =
    waiting === null || dryRun
      ? []
      : [
          '',
          paint.dim('mend what failed, then go on: tapes ca rotate'),
          paint.dim('or use the new root without it: tapes ca rotate --anyway'),
        ];
  return [...head, ...stores.flatMap((result) => renderResult(result, paint)), ...runs, ...next].join('\n');
}

export function renderStatus(status: CaStatus, paint: Paint): string {
  const { root, problem, earlier, stores, runs, warnings } = status;
  const lines: string[] = [];
  if (root !== null) {
    lines.push(`root: ${root.certificateFile}`, ...aboutRoot(root));
    lines.push(`  key          ${root.keyFile} (0600: yours alone)`);
  } else if (problem === null) {
    lines.push('there is no root yet; the first run makes one, and so does: tapes ca create');
  }
  if (problem !== null) {
    lines.push(`${paint.red('FAIL')}  ${safeLine(problem.message)}`);
    if (problem.hint !== null) lines.push(`      hint: ${safeLine(problem.hint)}`);
  }
  for (const warning of warnings) lines.push(`${paint.magenta('note')}  ${warning}`);
  if (earlier.length > 0) {
    lines.push(`agents also trust ${sayPlural(earlier.length, 'earlier root')}, for runs that began before a rotation`);
  }
  if (runs.length > 0) lines.push(`in use by ${sayPlural(runs.length, 'run')} now`);
  if (stores.length > 0) lines.push('', ...stores.flatMap((store) => renderStore(store, paint)));
  return lines.join('\n');
}

function aboutRoot({ commonName, fingerprint, permittedDomains, expiresAt }: RootSummary): string[] {
  return [
    `  name         ${safeLine(commonName)}`,
    `  fingerprint  ${fingerprint.slice(0, 16)}… (SHA-256)`,
    `  signs for    ${permittedDomains.join(', ')}, and what is below; nothing else`,
    `  valid until  ${expiresAt.slice(0, 10)}`,
  ];
}

function renderResult({ store, label, outcome, message, commands, lines, error }: StoreResult, paint: Paint): string[] {
  const first = headOf(markOf(outcome, paint), store, outcome === 'failed' ? null : label, message);
  const more = [
    ...(outcome === 'planned' ? commands.map((command) => `$ ${command}`) : []),
    ...(outcome === 'kept' ? commands.map((command) => `then: ${command}`) : []),
    ...lines,
    ...(error === null ? [] : [`hint: ${error.hint}`]),
  ];
  return [...first, ...more.map(indent)];
}

function renderStore({ store, label, state, message, next, lines }: StoreStatus, paint: Paint): string[] {
  const mark =
    state === 'installed'
      ? paint.green('ok  ')
      : state === 'not installed' || state === 'advice'
        ? paint.dim('-   ')
        : paint.magenta('note');
  const more = [...lines, ...(next === null ? [] : [`next: ${next}`])];
  return [...headOf(mark, store, label, message), ...more.map(indent)];
}

/** One line, or two where it would not fit into 80 columns. */
function headOf(mark: string, store: string, label: string | null, message: string): string[] {
  const start = `${mark}  ${store.padEnd(6)}  `;
  if (label === null) return [start + safeLine(message)];
  const whole = safeLine(`${label}: ${message}`);
  return margin.length + whole.length <= 80 ? [start + whole] : [start + safeLine(message), indent(safeLine(label))];
}

const margin = ' '.repeat(14);
const indent = (line: string): string => margin + line;

function markOf(outcome: StoreResult['outcome'], paint: Paint): string {
  switch (outcome) {
    case 'installed':
    case 'removed':
    case 'already':
    case 'absent':
    case 'gone':
      return paint.green('ok  ');
    case 'planned':
      return paint.dim('dry ');
    case 'advice':
    case 'kept':
      return paint.magenta('note');
    case 'failed':
      return paint.red('FAIL');
  }
}
