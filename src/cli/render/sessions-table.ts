// `tapes sessions` for people.
import type { ListedSession } from '../../store/index.ts';
import type { Page } from './page.ts';
import { safeLine } from './safe-text.ts';
import type { Column } from './table.ts';
import { renderTable } from './table.ts';
import { paintStatus, sayCount, sayUsd, sayWhen } from './words.ts';

// Narrower terminals keep their room for titles; `tapes stats` and `tapes show` tell the cost there.
const widthForCost = 100;

export function renderSessions(sessions: readonly ListedSession[], { paint, width, now }: Page): string {
  const agents = new Set(sessions.map((session) => session.agent));
  const agent: Column<ListedSession> = { title: 'AGENT', text: (session) => safeLine(session.agent) };
  const cost: Column<ListedSession> = {
    title: 'COST',
    align: 'right',
    text: ({ costUsd }) => (costUsd === null ? '–' : sayUsd(costUsd)),
  };
  const columns: readonly Column<ListedSession>[] = [
    { title: 'ID', text: (session) => safeLine(session.shortId), paint: (text) => paint.bold(text) },
    { title: 'LAST', text: (session) => sayWhen(session.endedAt ?? new Date(now).toISOString(), now) },
    // One agent needs no column.
    ...(agents.size > 1 ? [agent] : []),
    { title: 'TURNS', align: 'right', text: (session) => sayCount(session.turns) },
    { title: 'CALLS', align: 'right', text: (session) => sayCount(session.calls) },
    { title: 'TOKENS', align: 'right', text: (session) => sayCount(session.usage.totalTokens) },
    ...(width === null || width >= widthForCost ? [cost] : []),
    {
      title: 'STATUS',
      text: (session) => session.status,
      paint: (text, session) => paintStatus(paint, text, session.status),
    },
    { title: 'TITLE', text: titleOf, paint: (text, session) => (session.kind === 'title' ? paint.dim(text) : text) },
  ];
  return renderTable(sessions, columns, paint, width);
}

function titleOf(session: ListedSession): string {
  const title = safeLine(session.title ?? session.firstPrompt ?? '');
  return session.kind === 'title' ? `(title request) ${title}` : title;
}
