// Records what passes a standing proxy: the router with its recorder's thread, and what is secret at the homes of the agents that it meets.
import { homedir } from 'node:os';

import type { AgentProfile } from '../agents/index.ts';
import type { RequestHead } from '../domain/index.ts';
import { checkBeforeRecording, openRecorderThread, type Recorder } from '../store/index.ts';
import { tapesVersion } from '../version.ts';
import { watchPlace } from './database-place.ts';
import { openMaskKey, type Places } from './home.ts';
import { readEnvironmentSecrets, readLoginSecrets } from './known-secrets.ts';
import type { RunDump } from './live-dump.ts';
import { PeerFinder } from './peer-finder.ts';
import { RunRouter } from './route-runs.ts';
import type { SessionReports } from './session-reports.ts';
import { watchLogins } from './watch-logins.ts';
import { waitForRecording } from './wait-for-recording.ts';

export interface RecordSessionsOptions {
  readonly places: Places;
  readonly profiles: readonly AgentProfile[];
  readonly environment: Readonly<Record<string, string | undefined>>;
  readonly cwd: string;
  readonly label: string | null;
  /** Names the proxy's own first run. */
  readonly ownId: string;
  /** A dump beside the recording: told what is secret, and whose an exchange is. */
  readonly dump: Pick<RunDump, 'learnSecrets' | 'remark'> | null;
}

export interface SessionRecording {
  readonly router: RunRouter;
  readonly peers: PeerFinder;
  /** To be called now and then: where the database has gone, another is begun. Says so; null where all is well. */
  followDatabase(): Promise<string | null>;
  /** `onWaiting` is told how many events are left, where that takes long; SIGINT and SIGTERM leave them out then. */
  close(onWaiting: (events: number) => void): Promise<SessionReports>;
}

/** Throws `E_DB_NEWER`, `E_DB_UNREADABLE`, `E_FOLDER_SHARED`, `E_HOME_NOT_WRITABLE`. */
export async function recordSessions(options: RecordSessionsOptions): Promise<SessionRecording> {
  const { places, profiles, environment, cwd, label, ownId, dump } = options;
  const { dbFile, home } = places;
  checkBeforeRecording(dbFile);
  const maskKey = await openMaskKey(home);
  const filesOf = (from: Readonly<Record<string, string | undefined>>): string[] =>
    profiles.flatMap((profile) => [...profile.credentialFiles(from, from['HOME'] || homedir())]);
  const logins = filesOf(environment);
  const secrets = [...readEnvironmentSecrets(environment), ...(await Promise.all(logins.map(readLoginSecrets))).flat()];

  const peers = new PeerFinder();
  /** Who has sent this, and what is secret there. */
  const learnProcess = async ({ client }: RequestHead, describe: Recorder['describeRun']): Promise<void> => {
    const found = client === null ? null : await peers.find(client.port);
    if (found === null) return;
    learn(readEnvironmentSecrets(found.environment));
    for (const file of filesOf(found.environment)) watch.add(file);
    describe({ argv: found.argv, cwd: found.cwd });
  };
  const learn = (values: readonly string[]): void => {
    router.learnSecrets(values);
    dump?.learnSecrets(values);
  };
  const router: RunRouter = new RunRouter({
    ownId,
    onRouted: (exchangeId, { id, agent }) => dump?.remark(exchangeId, `run ${id} of ${agent}`),
    agent: profiles[0]!.name,
    openThread: () => openRecorderThread({ dbFile, maskKey, secrets }),
    start: { argv: ['tapes', 'proxy'], cwd, label, pid: process.pid, version: tapesVersion() },
    askProcess: (head, describe) => void learnProcess(head, describe).catch(() => undefined),
  });
  const watch = watchLogins(logins, learn);
  const place = watchPlace(dbFile);
  return {
    router,
    peers,
    async followDatabase() {
      const gone = await place.look();
      if (gone === null) return null;
      router.startAnew();
      return `${gone}; from here on it is a new one`;
    },
    close(onWaiting) {
      watch.stop();
      return waitForRecording(router.close(), router, onWaiting);
    },
  };
}
