// The line at a run's end: what was recorded, and how to look at it; then what was lost, if anything was.
import type { RecordingReport } from '../../app/record-run.ts';
import { shellWord } from '../../domain/index.ts';
import { safeLine } from './safe-text.ts';
import { sayCount, sayPlural } from './words.ts';

/** Lines without the `tapes: ` that goes before each. */
export function renderSummary(report: RecordingReport): string[] {
  return [renderRecorded(report), ...report.problems];
}

/** What is said in any case. */
export function renderLosses({ dropped, problems }: Pick<RecordingReport, 'dropped' | 'problems'>): readonly string[] {
  return dropped === 0 ? [] : problems;
}

function renderRecorded({ calls, turns, sessions, usage, exchanges, dropped }: RecordingReport): string {
  if (calls === 0) return renderNoCalls({ exchanges, dropped });
  const newest = sessions.at(-1);
  const where =
    sessions.length === 1 && newest !== undefined
      ? `session ${safeLine(newest.shortId)}…`
      : sayPlural(sessions.length, 'session');
  const tokens = usage.totalTokens > 0 ? `, ${sayCount(usage.totalTokens)} tokens` : '';
  const next = newest === undefined ? '' : ` · tapes show ${shellWord(safeLine(newest.shortId))}`;
  // Where something was lost, the lines that follow say what: this one must not claim more than is on disk.
  const verb = dropped === 0 ? 'recorded' : 'saw';
  return `${verb} ${sayPlural(calls, 'call')} in ${sayPlural(turns, 'turn')} of ${where}${tokens}${next}`;
}

/** Where there is no call: because there was none, or because it is lost. */
export function renderNoCalls({ exchanges, dropped }: Pick<RecordingReport, 'exchanges' | 'dropped'>): string {
  if (dropped > 0 && exchanges === 0) return 'recorded no calls: what was sent is lost';
  const others =
    exchanges === 0 ? 'nothing was sent to an intercepted host' : `only ${sayPlural(exchanges, 'other exchange')}`;
  return `recorded no calls: ${others}`;
}
