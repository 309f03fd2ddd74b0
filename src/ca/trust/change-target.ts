// Puts a root into one place, or takes it out: looks first, runs the planned commands, looks again. What went wrong is a value: other
// places go on.
import { access } from 'node:fs/promises';

import { explainFailure, type Failure } from './explain-failure.ts';
import { commandLine, probe, runCommand, typedCommand, type Presence } from './run-step.ts';
import type { Facts, Step, Target } from './trust-plan.ts';

export interface Change {
  /** `planned`: a dry run, nothing was done. `gone`: the store itself is not there any more. */
  readonly outcome: 'installed' | 'removed' | 'already' | 'absent' | 'gone' | 'planned' | 'failed';
  /** The commands that were run, or would be, as they can be typed. */
  readonly commands: readonly string[];
  readonly failure: Failure | null;
}

export async function installInto(
  target: Target,
  facts: Facts,
  certificatePem: string,
  { dryRun }: { dryRun: boolean },
): Promise<Change> {
  if (!(await isStanding(target))) return gone;
  const presence = await probe(target.probe, certificatePem);
  const commands = typed(target.install, facts);
  if (presence === 'there') return { outcome: 'already', commands: [], failure: null };
  if (presence === 'foreign') return failed([], foreign(target));
  if (dryRun) return { outcome: 'planned', commands, failure: null };
  const failure =
    (await runSteps(target.install, target, facts, 'install')) ?? (await look(target, certificatePem, 'there'));
  if (failure === null) return { outcome: 'installed', commands, failure: null };
  // Not half of it: what was not there before is taken out again.
  if (presence === 'absent' && (await probe(target.probe, certificatePem)) !== 'absent') {
    await runSteps(target.uninstall, target, facts, 'uninstall');
  }
  return failed(commands, failure);
}

export async function uninstallFrom(
  target: Target,
  facts: Facts,
  certificatePem: string,
  { dryRun }: { dryRun: boolean },
): Promise<Change> {
  if (!(await isStanding(target))) return gone;
  const presence = await probe(target.probe, certificatePem);
  const commands = typed(target.uninstall, facts);
  if (presence === 'absent') return { outcome: 'absent', commands: [], failure: null };
  if (presence === 'foreign') return failed([], foreign(target));
  if (dryRun) return { outcome: 'planned', commands, failure: null };
  const failure =
    (await runSteps(target.uninstall, target, facts, 'uninstall')) ?? (await look(target, certificatePem, 'absent'));
  return failure === null ? { outcome: 'removed', commands, failure: null } : failed(commands, failure);
}

const gone: Change = { outcome: 'gone', commands: [], failure: null };

const isStanding = async ({ place }: Target): Promise<boolean> =>
  place === null ||
  access(place).then(
    () => true,
    () => false,
  );

const failed = (commands: readonly string[], failure: Failure): Change => ({ outcome: 'failed', commands, failure });

async function look(target: Target, certificatePem: string, wanted: Presence): Promise<Failure | null> {
  const presence = await probe(target.probe, certificatePem);
  if (presence === wanted) return null;
  const command =
    target.probe.type === 'output'
      ? typedCommand(target.probe.argv, process.platform)
      : typedCommand(['ls', '-l', target.probe.file], process.platform);
  return {
    code: 'E_STORE_FAILED',
    message: `${target.label}: every command succeeded, yet the root is ${presence === 'absent' ? 'not there' : 'still there'}`,
    hint: `look for yourself: ${command}`,
  };
}

async function runSteps(
  steps: readonly Step[],
  { store, label }: Target,
  facts: Facts,
  verb: 'install' | 'uninstall',
): Promise<Failure | null> {
  for (const step of steps) {
    const argv = commandLine(step, facts);
    if (argv === null) {
      return {
        code: 'E_STORE_NEEDS_ROOT',
        message: `${label} needs root rights, and there is no sudo here`,
        // Once more by tapes itself: it finds the work done, and knows from then on what to take out again.
        hint: `run as root: ${typed(steps, facts).join(' && ')}; then, as yourself: tapes ca ${verb} --store ${store}`,
      };
    }
    const { exitCode, output } = await runCommand(argv);
    if (exitCode === 0) continue;
    return explainFailure({ store, label, command: typedCommand(argv, facts.platform), exitCode, output });
  }
  return null;
}

const typed = (steps: readonly Step[], facts: Facts): readonly string[] =>
  steps.map((step) => typedCommand(commandLine(step, facts) ?? step.argv, facts.platform));

const foreign = ({ label, probe: what }: Target): Failure => ({
  code: 'E_STORE_FOREIGN',
  message: `${label} holds something else under the name of our root: left as it is`,
  hint:
    what.type === 'file'
      ? `look at it, and move it away: ${typedCommand(['openssl', 'x509', '-noout', '-subject', '-in', what.file], process.platform)}`
      : `look at it, and remove it: ${typedCommand(what.argv, process.platform)}`,
});
