// `tapes prune --older-than 30d | --keep-bytes 5GB | --session ID`
import type { Command } from 'commander';

import { TapesError } from '../../errors.ts';
import type { PruneCriterion } from '../../store/index.ts';
import { readSince, readSize } from './list-options.ts';

interface Options {
  readonly home?: string;
  readonly db?: string;
  readonly json?: boolean;
  readonly dryRun?: boolean;
  readonly olderThan?: string;
  readonly keepBytes?: number;
  readonly session?: string;
}

export function addPruneCommand(program: Command): void {
  program
    .command('prune')
    .description('Remove old sessions and what nothing else needs, and give the room back.')
    .option('--older-than <time>', 'sessions idle for longer: 30d, 2w, or since a date', (value) =>
      readSince(value, Date.now(), '--older-than'),
    )
    .option('--keep-bytes <size>', 'the longest idle, until the database fits: 5GB', (value) =>
      readSize(value, '--keep-bytes'),
    )
    .option('--session <id>', 'this session: its id, the beginning of it, or `last`')
    .option('--dry-run', 'remove nothing, and say what would be')
    .option('--json', 'one JSON document on stdout')
    .addHelpText(
      'after',
      `
Takes one of the three. What agents are recording at the moment is left alone,
and what sessions share stays as long as one of them needs it.

Examples:
  $ tapes prune --older-than 30d --dry-run
  $ tapes prune --keep-bytes 5GB
  $ tapes prune --session 01a20768`,
    )
    .action(async (_options: unknown, command: Command) => {
      const { json, dryRun = false, olderThan, keepBytes, session, ...places } = command.optsWithGlobals<Options>();
      const criterion = readCriterion({ olderThan, keepBytes, session });
      const { prune } = await import('../../app/prune.ts');
      const { writeJson, writeText } = await import('../render/page.ts');
      const report = await prune(places, criterion, dryRun);
      if (json) return writeJson(report);
      const { renderPruned } = await import('../render/pruned.ts');
      writeText(renderPruned(report));
    });
}

function readCriterion(given: {
  olderThan: string | undefined;
  keepBytes: number | undefined;
  session: string | undefined;
}): PruneCriterion {
  const { olderThan, keepBytes, session } = given;
  const criteria: PruneCriterion[] = [];
  if (olderThan !== undefined) criteria.push({ type: 'olderThan', before: olderThan });
  if (keepBytes !== undefined) criteria.push({ type: 'keepBytes', bytes: keepBytes });
  if (session !== undefined) criteria.push({ type: 'session', id: session });
  const [criterion] = criteria;
  if (criterion !== undefined && criteria.length === 1) return criterion;
  throw new TapesError(
    'E_USAGE',
    criterion === undefined
      ? 'tapes prune removes nothing unless it is told what'
      : 'tapes prune takes one of --older-than, --keep-bytes and --session at a time',
    { hint: 'tapes prune --older-than 30d --dry-run' },
  );
}
