// What pruning removed, or would.
import type { PruneReport } from '../../store/index.ts';
import { sayBytes, sayPlural } from './words.ts';

export function renderPruned(report: PruneReport): string {
  const { dryRun, sessions, calls, exchanges, runs, items, contentBytes, activeSessions } = report;
  const counts = [
    [sessions, 'session'],
    [calls, 'call'],
    [exchanges, 'exchange'],
    [items, 'item'],
    [runs, 'run'],
  ] as const;
  const some = counts.filter(([count]) => count > 0).map(([count, word]) => sayPlural(count, word));
  const verb = dryRun ? 'would remove' : 'removed';
  return [
    some.length === 0 ? `nothing to remove` : `${verb} ${some.join(', ')}: ${sayBytes(contentBytes)} of content`,
    sayFile(report),
    activeSessions === 0 ? null : `left alone: ${sayPlural(activeSessions, 'session')} being recorded now`,
  ]
    .filter((line) => line !== null)
    .join('\n');
}

function sayFile({ fileBytesBefore, fileBytesAfter }: PruneReport): string {
  if (fileBytesAfter === null) return `the database takes ${sayBytes(fileBytesBefore)}; nothing was changed`;
  const back = Math.max(0, fileBytesBefore - fileBytesAfter);
  return `${sayBytes(back)} given back: the database takes ${sayBytes(fileBytesAfter)} (before: ${sayBytes(fileBytesBefore)})`;
}
