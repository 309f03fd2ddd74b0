// The run that tests record.
import type { RunStart } from '../../src/store/index.ts';

export const maskKeyOfTests = new Uint8Array(32).fill(7);

export function runStartOfTests(run: Partial<RunStart> = {}): RunStart {
  return {
    id: 'run-1',
    agent: 'codex',
    argv: ['codex', 'exec', 'list the files'],
    cwd: '/home/dev/project',
    label: null,
    pid: process.pid,
    version: '0.1.0',
    startedAt: Date.UTC(2026, 10, 23, 12, 0, 0),
    ...run,
  };
}
