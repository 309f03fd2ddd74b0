// The lines at the end of a standing proxy: what was recorded of each session, then what was lost, if anything was.
import type { SessionReports } from '../../app/session-reports.ts';
import { renderNoCalls, renderSummary } from './summary.ts';
import { sayPlural } from './words.ts';

const shownSessions = 20;

/** Lines without the `tapes: ` that goes before each. */
export function renderSessionReports(reports: SessionReports): string[] {
  const { sessions, earlierSessions } = reports;
  const shown = sessions.slice(-shownSessions);
  const hidden = earlierSessions + sessions.length - shown.length;
  return [
    ...(hidden === 0 ? [] : [`recorded ${sayPlural(hidden, 'earlier session')} · tapes sessions`]),
    ...(shown.length === 0 ? [renderNoCalls(reports)] : []),
    ...shown.flatMap((report) => renderSummary({ ...report, problems: [] })),
    ...reports.problems,
  ];
}
