// Runs a script of wire events through a recorder, in this process, on a fresh database.
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { onTestFinished } from 'vitest';

import { readCodexIdentity } from '../../src/agents/index.ts';
import type { RecorderReport, RunStart } from '../../src/store/recorder/recorder-types.ts';
import { RunRecorder } from '../../src/store/recorder/run-recorder.ts';
import type { RunRecorderOptions } from '../../src/store/recorder/run-recorder.ts';
import { maskKeyOfTests, runStartOfTests } from './run-start.ts';
import { WireScript } from './wire-script.ts';

/** A folder that is gone after the test. */
async function freshFolder(): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'tapes-store-'));
  onTestFinished(() => rm(folder, { recursive: true, force: true }));
  return folder;
}

export const freshDatabase = async (): Promise<string> => join(await freshFolder(), 'home', 'tapes.db');

export function openRunRecorder(
  dbFile: string,
  options: Partial<Omit<RunRecorderOptions, 'run'>> & { run?: Partial<RunStart> } = {},
): RunRecorder {
  const { run, ...rest } = options;
  return new RunRecorder({
    dbFile,
    maskKey: maskKeyOfTests,
    secrets: [],
    identify: readCodexIdentity,
    ...rest,
    run: runStartOfTests(run),
  });
}

export interface RecordedScript {
  readonly dbFile: string;
  readonly report: RecorderReport;
}

/** Records all of a script, as a run that ended well. */
export async function recordScript(
  write: (script: WireScript) => unknown,
  options: Parameters<typeof openRunRecorder>[1] & { dbFile?: string; at?: number } = {},
): Promise<RecordedScript> {
  const { dbFile = await freshDatabase(), at, ...rest } = options;
  const script = new WireScript(at);
  write(script);
  const recorder = openRunRecorder(dbFile, rest);
  for (const event of script.events) recorder.push(event);
  recorder.endRun({ exitCode: 0, signal: null, endedAt: script.now.at });
  return { dbFile, report: await recorder.close() };
}
