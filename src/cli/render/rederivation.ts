// What `tapes rederive` did: how many rows came out other than they were, and which calls were left.
import type { RederiveReport } from '../../store/index.ts';
import type { Paint } from './paint.ts';
import { safeLine } from './safe-text.ts';
import { sayPlural } from './words.ts';

const shownCalls = 50;

export function renderRederivation({ calls, changed, left }: RederiveReport, paint: Paint): string {
  const lines = left
    .slice(0, shownCalls)
    .map(({ callId, message }) => `${paint.red('LEFT')}  call ${safeLine(callId)}: ${safeLine(message)}`);
  const more = left.length > lines.length ? [`… and ${left.length - lines.length} more`] : [];
  const named = {
    sessions: 'session',
    threads: 'thread',
    turns: 'turn',
    calls: 'call',
    search: 'searchable text',
  } as const;
  const changes = (['sessions', 'threads', 'turns', 'calls', 'search'] as const)
    .filter((table) => changed[table] > 0)
    .map((table) => sayPlural(changed[table], named[table]));
  const outcome = changes.length === 0 ? 'nothing was other than before' : `changed ${changes.join(', ')}`;
  return [...lines, ...more, `derived ${sayPlural(calls, 'call')} again: ${outcome}`].join('\n');
}
