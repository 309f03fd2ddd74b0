// `tapes intercept -- <command>`: runs an agent under the interceptor and keeps what passes.
import { detectAgent, profiles, type AgentProfile } from '../agents/index.ts';
import { permits } from '../ca/index.ts';
import { newId, teeSinks } from '../domain/index.ts';
import { buildChildEnvironment, findCommand, runChild, type ChildResult } from '../launch/index.ts';
import { openInterceptor, quietEngine, withoutEntriesFor, type Interceptor } from '../proxy/index.ts';
import { arrangeTrust } from './agent-trust.ts';
import { chooseRoot } from './choose-root.ts';
import { findPlaces, openMaskKey, prepareHome, type PlaceOptions } from './home.ts';
import { openRunDump, type DumpRequest } from './live-dump.ts';
import { withoutProxy } from './proxy-environment.ts';
import { readRoutes } from './read-routes.ts';
import { noRecorder, recordRun, type RecordingReport, type RunRecorder } from './record-run.ts';
import { requireProfile } from './require-profile.ts';
import { readWarnings, watchTls } from './run-warnings.ts';
import { readStanding } from './standing-proxy.ts';
import { stayInProcess } from './stay-in-process.ts';
import { surviveFaults } from './survive-faults.ts';

export interface InterceptOptions extends PlaceOptions {
  readonly argv: readonly string[];
  readonly agent?: string | undefined;
  readonly port: number;
  readonly resolve: readonly string[];
  readonly upstreamCa?: string | undefined;
  readonly upstreamProxy?: string | undefined;
  readonly label?: string | undefined;
  /** Names and globs to intercept besides the agent's own hosts. */
  readonly hostName: readonly string[];
  /** A root for this run alone, its key in memory. */
  readonly ephemeralCa: boolean;
  readonly record: boolean;
  readonly dump?: DumpRequest | undefined;
  readonly environment: Readonly<Record<string, string | undefined>>;
  readonly cwd: string;
  /** What is being done, for `--verbose`. Called before the child starts and after it has ended, never while it runs. */
  readonly onProgress: (line: string) => void;
  /** After the child has ended: so many events are still to be recorded. */
  readonly onWaiting: (events: number) => void;
}

export interface InterceptResult {
  readonly child: ChildResult;
  readonly recording: RecordingReport | null;
  /** What the user should know about the run, one sentence each. */
  readonly warnings: readonly string[];
}

/** How long exchanges that outlive the child (a grandchild's) are waited for. */
const settleMs = 2_000;

/** Runs the child to its end. Throws a `TapesError` where it could not be started; failures during the run are in the result. */
export async function intercept(options: InterceptOptions): Promise<InterceptResult> {
  const { argv, cwd, onProgress, onWaiting } = options;
  const places = findPlaces(options, options.environment);
  // In a shell that leads through the standing proxy: what passes here is not to pass there, too, and that one may have ended.
  const environment = withoutProxy(options.environment, await readStanding(places.home), profiles);
  const [name = ''] = argv;
  const file = await findCommand(name, environment, cwd);
  const { profile, argumentsAt } = findAgent(argv, options.agent);
  const routes = readRoutes({ ...options, environment });

  await prepareHome(places.home);
  const choice = await chooseRoot({
    places,
    profiles: [profile],
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
  });
  const { args, added } = await keepInProcess(profile, file, argv.slice(1), argumentsAt, environment);
  if (added !== null)
    onProgress(`running ${name} with ${added}: its background process would carry the traffic past tapes`);

  const runId = newId();
  const maskKey = await openMaskKey(places.home);
  const dump = await openRunDump(options.dump, { runId, profiles: [profile], argv, environment, maskKey });
  const recorder: RunRecorder = options.record
    ? await recordRun({
        places,
        profile,
        runId,
        argv,
        cwd,
        label: options.label ?? null,
        environment,
        maskKey,
      })
    : noRecorder();
  const engineLines = quietEngine();
  const faults = surviveFaults();
  const untrustingHosts = new Set<string>();
  let interceptor: Interceptor | null = null;
  try {
    interceptor = await openInterceptor({
      port: options.port,
      root,
      interceptHosts,
      isPermitted: (host) => permits(root.permittedDomains, host),
      isRefusedUpgrade: (path) => profile.isRefusableUpgrade(path),
      readBackendHosts: (path, answer) => profile.readBackendHosts(path, answer),
      routes,
      extraRoots: trust.upstreamRoots,
      codeFolder: places.cacheFolder,
      sink: watchTls(teeSinks(recorder, dump), untrustingHosts),
      pace: recorder.pace,
      tellsUpstream: options.record || dump !== null,
      tap: dump?.tap,
      tellConnection(event) {
        recorder.tellConnection(event);
        dump?.tellConnection(event);
      },
    });
    for (const sink of [recorder, dump]) sink?.learnSecrets([interceptor.password, interceptor.proxyUrl]);
    onProgress(`listening on 127.0.0.1:${interceptor.port}, intercepting ${interceptHosts.slice(0, 3).join(', ')} …`);

    const running = runChild({
      file,
      name,
      args,
      cwd,
      environment: buildChildEnvironment({
        environment,
        proxyUrl: interceptor.proxyUrl,
        caVariables: profile.caVariables.slice(0, 1),
        certificateFile: trust.certificateFile,
        trimNoProxy: (noProxy) => withoutEntriesFor(noProxy, interceptHosts),
      }),
    });
    // The engine loads while the child starts; what the child asks for meanwhile waits at the door. Nobody waits for it who asked for nothing.
    let engineFailure: string | null = null;
    void interceptor.load().then(({ failure }) => (engineFailure = failure));
    const child = await running;
    await interceptor.settle(settleMs);
    const [recording, dumped] = await Promise.all([recorder.finish(child, onWaiting), dump?.finish() ?? []]);
    for (const line of engineLines.lines) onProgress(`engine: ${line}`);
    const { unpermittedHosts, unreachedHosts } = interceptor;
    const warnings = readWarnings({ engineFailure, unpermittedHosts, unreachedHosts, untrustingHosts, name, child });
    return { child, recording, warnings: [...choice.warnings, ...warnings, ...faults.list, ...dumped] };
  } catch (error) {
    await Promise.all([recorder.discard(), dump?.discard()]);
    throw error;
  } finally {
    await interceptor?.close();
    await trust.remove();
    await choice.release();
    faults.stop();
  }
}

function findAgent(
  argv: readonly string[],
  agentName: string | undefined,
): { profile: AgentProfile; argumentsAt: number } {
  const detected = detectAgent(argv);
  if (agentName === undefined) {
    // A script or a shell that starts an agent: the profiles' hosts are intercepted all the same.
    return detected ?? { profile: profiles[0]!, argumentsAt: 0 };
  }
  const profile = requireProfile(agentName);
  return { profile, argumentsAt: detected?.profile === profile ? detected.argumentsAt : 0 };
}

async function keepInProcess(
  profile: AgentProfile,
  file: string,
  args: readonly string[],
  argumentsAt: number,
  environment: Readonly<Record<string, string | undefined>>,
): Promise<{ args: readonly string[]; added: string | null }> {
  if (profile.background === null || argumentsAt === 0) return { args, added: null };
  return stayInProcess({ rule: profile.background, file, args, argumentsAt, environment });
}
