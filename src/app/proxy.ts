// `tapes proxy`: a standing interceptor for agents that start themselves, until it is told to stop.
import { join } from 'node:path';

import { profiles as allProfiles, type AgentProfile } from '../agents/index.ts';
import { permits, withLock } from '../ca/index.ts';
import { newId, teeSinks } from '../domain/index.ts';
import { TapesError } from '../errors.ts';
import { watchTerminal } from '../launch/index.ts';
import { makeProxyPassword, openInterceptor, quietEngine, type Interceptor } from '../proxy/index.ts';
import { arrangeTrust } from './agent-trust.ts';
import { chooseRoot, warnOfExpiry } from './choose-root.ts';
import { findPlaces, openMaskKey, prepareHome, type PlaceOptions, type Places } from './home.ts';
import { leaveBackground, warnOfBackground } from './leave-background.ts';
import { openRunDump, type DumpRequest } from './live-dump.ts';
import { enterProxy, withoutProxy, type VariableChange } from './proxy-environment.ts';
import { recordSessions } from './record-sessions.ts';
import { readRoutes } from './read-routes.ts';
import { requireProfile } from './require-profile.ts';
import { readWarnings, watchTls } from './run-warnings.ts';
import type { SessionReports } from './session-reports.ts';
import { isRunning, readStanding, thisProcess, writeStanding, type StandingProxy } from './standing-proxy.ts';
import { surviveFaults } from './survive-faults.ts';

export interface ProxyOptions extends PlaceOptions {
  /** Only this agent's hosts; without it those of all that tapes knows. */
  readonly agent?: string | undefined;
  /** Default: that of the last time, or a free one. */
  readonly port?: number | undefined;
  readonly resolve: readonly string[];
  readonly upstreamCa?: string | undefined;
  readonly upstreamProxy?: string | undefined;
  readonly label?: string | undefined;
  /** Names and globs to intercept besides the agents' own hosts. */
  readonly hostName: readonly string[];
  /** A root for this proxy alone, its key in memory. */
  readonly ephemeralCa: boolean;
  readonly record: boolean;
  /** One for all that passes, from its start to its end. */
  readonly dump?: DumpRequest | undefined;
  /** False: clients need no password. */
  readonly auth: boolean;
  readonly environment: Readonly<Record<string, string | undefined>>;
  readonly cwd: string;
  /** What is being done, for `--verbose`. */
  readonly onProgress: (line: string) => void;
  /** It stands: what a shell has to set. */
  readonly onReady: (environment: readonly VariableChange[], standing: StandingProxy) => void;
  /** What the user should know now. */
  readonly onWarning: (line: string) => void;
  /** At its end: so many events are still to be recorded. */
  readonly onWaiting: (events: number) => void;
  /** Aborted: finish what is open, and end. */
  readonly stop: AbortSignal;
  /** Aborted: cut what is open. */
  readonly stopAtOnce: AbortSignal;
}

export interface ProxyResult {
  /** What was recorded; null: nothing was to be. */
  readonly recorded: SessionReports | null;
  /** What became of dumps, one sentence each. */
  readonly dumped: readonly string[];
}

/** How long what is open is waited for once it was told to stop. */
const settleMs = 10_000;

/** Runs until `stop`. Throws a `TapesError` where it could not be started. */
export async function runProxy(options: ProxyOptions): Promise<ProxyResult> {
  const { onProgress, onWarning, stop } = options;
  watchTerminal().endWithTerminal();
  const profiles = options.agent === undefined ? allProfiles : [requireProfile(options.agent)];
  const places = findPlaces(options, options.environment);
  await prepareHome(places.home);
  const last = await refuseSecond(places);
  const environment = withoutProxy(options.environment, last, allProfiles);
  const routes = readRoutes({ ...options, environment });

  const [profile] = profiles as [AgentProfile, ...AgentProfile[]];
  const choice = await chooseRoot({
    places,
    profiles,
    hostNames: options.hostName,
    ephemeral: options.ephemeralCa,
    onProgress,
  });
  const { root, interceptHosts } = choice;
  const trust = await arrangeTrust(profile, root, {
    caFolder: places.caFolder,
    environment,
    upstreamCa: options.upstreamCa,
    isProxied: routes.proxy !== null,
    standing: true,
  });

  const password = last?.password ?? makeProxyPassword();
  const ownId = newId();
  const dump = await openRunDump(options.dump, {
    runId: ownId,
    profiles,
    argv: ['tapes', 'proxy'],
    environment: options.environment,
    maskKey: await openMaskKey(places.home),
  });
  const recording = options.record
    ? await recordSessions({
        places,
        profiles,
        environment: options.environment,
        cwd: options.cwd,
        label: options.label ?? null,
        ownId,
        dump,
      }).catch(async (error: unknown) => {
        await dump?.discard();
        throw error;
      })
    : null;
  const engineLines = quietEngine();
  const faults = surviveFaults();
  const told = new Set<string>();
  let isStanding = false;
  let interceptor: Interceptor | null = null;
  try {
    const untrustingHosts = new Set<string>();
    interceptor = await openInterceptor({
      port: options.port ?? last?.port ?? 0,
      root,
      interceptHosts,
      isPermitted: (host) => permits(root.permittedDomains, host),
      isRefusedUpgrade: (path) => profiles.some((each) => each.isRefusableUpgrade(path)),
      readBackendHosts: (path, answer) => profiles.flatMap((each) => each.readBackendHosts(path, answer)),
      routes,
      extraRoots: trust.upstreamRoots,
      codeFolder: places.cacheFolder,
      password: options.auth ? password : null,
      onConnection: (port) => recording?.peers.noteConnection(port),
      // The dump first: the router then says in it whose an exchange is.
      sink: watchTls(teeSinks(dump, recording?.router ?? null), untrustingHosts),
      pace: recording?.router.pace ?? null,
      tellsUpstream: recording !== null || dump !== null,
      tellConnection(event) {
        dump?.tellConnection(event);
        recording?.router.tellConnection(event);
      },
      tap: dump?.tap,
    }).catch((error: unknown) => explainPort(error, places, options));
    const standing: StandingProxy = {
      port: interceptor.port,
      password,
      isAuthenticated: options.auth,
      certificateFile: trust.certificateFile,
      interceptHosts,
      process: thisProcess(),
    };
    if (recording !== null) {
      recording.peers.ownPort = interceptor.port;
      if (options.auth) recording.router.learnSecrets([interceptor.password, interceptor.proxyUrl]);
    }
    if (options.auth) dump?.learnSecrets([interceptor.password, interceptor.proxyUrl]);
    isStanding = true;
    await claim(places, standing, () => trust.write());
    onProgress(`listening on 127.0.0.1:${interceptor.port}, intercepting ${interceptHosts.slice(0, 3).join(', ')} …`);
    options.onReady(enterProxy(environment, standing, profiles), standing);
    // The engine loads behind the door; what is asked for meanwhile waits there.
    const { failure } = await interceptor.load();
    const refused = recording === null ? null : await recording.router.ready;
    if (refused !== null) {
      onWarning(`nothing is recorded: ${refused.message}`);
      if (refused.hint !== undefined) onWarning(`hint: ${refused.hint}`);
    }
    await recording?.followDatabase();
    const warn = (): void => {
      const { unpermittedHosts, unreachedHosts } = interceptor!;
      for (const line of [
        // It may stand for longer than it was to its root's end when it started: said anew each day.
        ...warnOfExpiry(root, new Date()),
        ...readWarnings({ engineFailure: failure, unpermittedHosts, unreachedHosts, untrustingHosts }),
        ...faults.list,
        ...(dump?.problems ?? []),
      ]) {
        if (!told.has(line)) onWarning(line);
        told.add(line);
      }
    };
    warn();
    const search = { profiles, environment, standing };
    await warnOfBackground(search, options);
    const look = async (): Promise<void> => {
      warn();
      const gone = await recording?.followDatabase();
      if (gone) onWarning(gone);
    };
    const looking = setInterval(() => void look(), 1_000);
    await aborted(stop);
    clearInterval(looking);

    onProgress(`stopping: what is open is waited for, for ${settleMs / 1_000} s at the most`);
    const leaving = await leaveBackground(search, options, settleMs, options.stopAtOnce);
    await Promise.race([Promise.all([interceptor.settle(settleMs), leaving.done]), aborted(options.stopAtOnce)]);
    await look();
    recording?.router.cutOpen();
    await interceptor.close();
    await leaving.cutOff();
    // A process that is gone is seen to be gone, too.
    await writeStanding(places.home, { ...standing, process: null }).catch((error: unknown) =>
      onWarning(`${error instanceof Error ? error.message : String(error)}; it may say that this proxy still stands`),
    );
    warn();
    for (const line of engineLines.lines) onProgress(`engine: ${line}`);
    const [recorded, dumped] = await Promise.all([recording?.close(options.onWaiting) ?? null, dump?.finish() ?? []]);
    return { recorded, dumped };
  } catch (error) {
    await Promise.all([recording?.close(options.onWaiting), isStanding ? dump?.finish() : dump?.discard()]);
    throw error;
  } finally {
    await interceptor?.close();
    await choice.release();
    faults.stop();
  }
}

/** What the last one on this home left. Throws `E_PROXY_RUNNING`. */
async function refuseSecond({ home }: Places): Promise<StandingProxy | null> {
  const last = await readStanding(home);
  if (!isRunning(last)) return last;
  throw new TapesError(
    'E_PROXY_RUNNING',
    `a standing proxy (pid ${last.process.pid}) is running on this home already, on port ${last.port}`,
    { hint: `use it with \`tapes env\`, or end it first: kill ${last.process.pid}` },
  );
}

/** A port that was not asked for this time, but kept from the last. */
async function explainPort(error: unknown, places: Places, { port }: ProxyOptions): Promise<never> {
  // Of two that start at once, one has the port.
  await refuseSecond(places);
  if (!(error instanceof TapesError) || error.code !== 'E_PORT_IN_USE' || port !== undefined) throw error;
  throw new TapesError('E_PORT_IN_USE', `${error.message} by another program, and the last proxy of this home had it`, {
    hint: 'end that program, or take a free port and evaluate `tapes env` again: tapes proxy --port 0',
    cause: error,
  });
}

/**
 * Makes the home's proxy of this process: of several that start at once, one. What agents are told to trust is that one's, and there before
 * anybody is told of it. Throws `E_PROXY_RUNNING`, `E_HOME_NOT_WRITABLE`.
 */
async function claim(places: Places, standing: StandingProxy, writeTrust: () => Promise<void>): Promise<void> {
  await withLock(join(places.home, 'proxy.lock'), async () => {
    await refuseSecond(places);
    await writeTrust();
    await writeStanding(places.home, standing);
  });
}

function aborted(signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal.aborted) resolve();
    else signal.addEventListener('abort', () => resolve(), { once: true });
  });
}
