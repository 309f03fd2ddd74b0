// The row of a run: of the process that records it, masked as all that is kept.
import { describeProcess } from '../../processes/index.ts';
import type { Vault } from '../../redact/index.ts';
import type { RunRow } from '../rows.ts';
import type { Problems } from './problems.ts';
import { isoTime } from './recording-context.ts';
import type { RunEnd, RunStart } from './recorder-types.ts';

/** `end` null: it goes on. */
export function runRowOf(run: RunStart, end: RunEnd | null, problems: Problems, vault: Vault): RunRow {
  const mask = (text: string): string => vault.maskText(text);
  return {
    ...describeProcess(run.pid),
    id: run.id,
    agent: run.agent,
    argv: JSON.stringify(run.argv.map(mask)),
    cwd: mask(run.cwd),
    label: run.label === null ? null : mask(run.label),
    version: run.version,
    started_at: isoTime(run.startedAt),
    ended_at: end === null ? null : isoTime(end.endedAt),
    exit_code: end?.exitCode ?? null,
    signal: end?.signal ?? null,
    interrupted: 0,
    dropped: problems.dropped,
    problems: JSON.stringify(problems.list().map(mask)),
    kind: run.kind ?? 'intercept',
    proxy_run_id: run.proxyRunId ?? null,
  };
}
