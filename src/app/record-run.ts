// Records one run: opens the recorder, keeps the credentials that it must mask up to date, and closes it with the run's end.
import type { AgentProfile } from '../agents/index.ts';
import type { ConnectionEvent, Pace, Sink } from '../domain/index.ts';
import type { ChildResult } from '../launch/index.ts';
import { checkBeforeRecording, openRecorder, type RecorderReport } from '../store/index.ts';
import { tapesVersion } from '../version.ts';
import { watchPlace } from './database-place.ts';
import type { Places } from './home.ts';
import { readRunSecrets } from './run-secrets.ts';
import { waitForRecording } from './wait-for-recording.ts';

export type RecordingReport = RecorderReport;

export interface RunRecorder extends Sink<unknown> {
  /** Null: nothing is recorded. */
  readonly pace: Pace | null;
  tellConnection(event: ConnectionEvent): void;
  learnSecrets(values: readonly string[]): void;
  /**
   * Puts the run's end and all that is still on its way on disk. Settles within about ten seconds, and within a minute where much is waiting and gets on:
   * `onWaiting` is told meanwhile how many events are left, and SIGINT and SIGTERM leave those out. Where the thread does not answer, within twenty seconds.
   */
  finish(child: ChildResult, onWaiting: (events: number) => void): Promise<RecordingReport | null>;
  /** The child never ran: closes without a report. */
  discard(): Promise<void>;
}

export interface RecordRunOptions {
  readonly places: Places;
  readonly profile: AgentProfile;
  readonly runId: string;
  readonly argv: readonly string[];
  readonly cwd: string;
  readonly label: string | null;
  readonly environment: Readonly<Record<string, string | undefined>>;
  readonly maskKey: Uint8Array;
}

/**
 * Opens the recorder, and does not wait until it stands: the agent's start is not held up. Throws `E_DB_NEWER`, `E_DB_UNREADABLE`, `E_FOLDER_SHARED` where a
 * look at the file tells; what only opening it tells is in the report.
 */
export async function recordRun(options: RecordRunOptions): Promise<RunRecorder> {
  const { places, profile, environment, maskKey } = options;
  checkBeforeRecording(places.dbFile);
  const secrets = await readRunSecrets([profile], environment, options.argv);
  const recorder = openRecorder({
    dbFile: places.dbFile,
    run: {
      id: options.runId,
      agent: profile.name,
      argv: options.argv,
      cwd: options.cwd,
      label: options.label,
      pid: process.pid,
      version: tapesVersion(),
      startedAt: Date.now(),
    },
    maskKey,
    secrets: secrets.known,
  });
  const place = watchPlace(
    places.dbFile,
    recorder.ready.then((refusal) => refusal === null),
  );
  const watch = secrets.watch((values) => recorder.learnSecrets(values));
  const close = (): Promise<RecorderReport> => {
    watch.stop();
    return recorder.close();
  };
  return {
    push: (event) => recorder.push(event),
    pace: recorder.pace,
    tellConnection: (event) => recorder.push(event),
    close,
    learnSecrets: (values) => recorder.learnSecrets(values),
    async finish({ exitCode, signal }, onWaiting) {
      recorder.endRun({ exitCode, signal, endedAt: Date.now() });
      const report = await waitForRecording(close(), recorder, onWaiting);
      const gone = await place.look();
      if (gone === null) return report;
      return { ...report, dropped: report.dropped + report.exchanges, problems: [...report.problems, gone] };
    },
    async discard() {
      recorder.endRun({ exitCode: null, signal: null, endedAt: Date.now() });
      await close();
    },
  };
}

/** For `--no-record`: takes everything and keeps nothing. */
export function noRecorder(): RunRecorder {
  return {
    push: () => undefined,
    pace: null,
    tellConnection: () => undefined,
    close: async () => undefined,
    learnSecrets: () => undefined,
    finish: async () => null,
    discard: async () => undefined,
  };
}
