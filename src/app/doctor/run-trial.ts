// The trial of an agent: one turn of the user's own program, through the real interceptor, against a provider that we bring along, into a
// database that is thrown away. All on loopback: every other host is refused at the door.

import type { AgentProfile, TrialRule } from '../../agents/index.ts';
import { loadRoot, makeThrowAwayServer, openRoot, type Root } from '../../ca/index.ts';
import { newId } from '../../domain/index.ts';
import type { Usage } from '../../domain/index.ts';
import { buildChildEnvironment, runBounded, type BoundedResult } from '../../launch/index.ts';
import { openBuiltInProvider } from '../../provider/index.ts';
import { openInterceptor, quietEngine, type Interceptor } from '../../proxy/index.ts';
import { arrangeTrust } from '../agent-trust.ts';
import { openMaskKey, type Places } from '../home.ts';
import { namesCredential } from '../known-secrets.ts';
import { recordRun } from '../record-run.ts';
import { readRecorded, type Recorded } from './read-recorded.ts';
import { holdSignals } from './hold-signals.ts';
import { makeTrialHome, type TrialHome } from './trial-home.ts';
import { openWitness, type Testimony } from './witness.ts';

export interface TrialOptions {
  readonly profile: AgentProfile;
  readonly rule: TrialRule;
  /** The program, as it was found. */
  readonly file: string;
  readonly name: string;
  readonly environment: Readonly<Record<string, string | undefined>>;
  readonly places: Places;
  readonly timeoutMs: number;
}

export interface Trial {
  readonly root: Root;
  readonly isOwnRoot: boolean;
  readonly startedAt: number;
  readonly endedAt: number;
  readonly child: BoundedResult;
  readonly testimony: Testimony;
  readonly recorded: Recorded;
  readonly recordedAt: number;
}

const prompt = 'Say that this works.';
/** What the provider answers, and what must come back from the database. */
export const expected: { readonly text: string; readonly usage: Usage } = {
  text: 'It works: tapes has seen this answer.',
  usage: { inputTokens: 1234, cachedInputTokens: 1024, outputTokens: 21, reasoningTokens: 8, totalTokens: 1255 },
};
// A client that refuses a certificate tries again for up to 20 s; another connection of it may be accepted meanwhile.
const distrustMs = 1_000;
const settleMs = 2_000;

/** Runs it, and leaves nothing behind. Throws what kept the trial from being made; what the agent did is in the result. */
export async function runTrial(options: TrialOptions): Promise<Trial> {
  const stop = new AbortController();
  const signals = holdSignals(() => stop.abort());
  quietEngine();
  let home: TrialHome | null = null;
  try {
    home = await makeTrialHome(options.rule);
    return await perform(options, home, stop);
  } finally {
    await home?.remove();
    // Whoever pressed Ctrl-C wants it to have ended by that, now that all is cleaned up.
    signals.release();
  }
}

async function perform(options: TrialOptions, home: TrialHome, stop: AbortController): Promise<Trial> {
  const { profile, rule } = options;
  const [host = 'localhost'] = profile.interceptHosts;
  // In parallel: keys are made off the main thread.
  const [{ root, isOwnRoot }, leaf] = await Promise.all([chooseRoot(options, home), makeThrowAwayServer(host)]);
  const environment = trialEnvironment(options, home);
  const trust = await arrangeTrust(profile, root, {
    caFolder: home.places.caFolder,
    environment: { ...environment, ...namedRoots(options) },
    isProxied: false,
  });
  const recorder = await recordRun({
    places: home.places,
    profile,
    runId: newId(),
    argv: [options.name, ...rule.args(prompt)],
    cwd: home.project,
    label: 'tapes doctor',
    environment,
    maskKey: await openMaskKey(home.places.home),
  });
  let interceptor: Interceptor | null = null;
  let distrust: NodeJS.Timeout | undefined;
  const witness = openWitness({
    hosts: profile.interceptHosts,
    login: home.login,
    onDistrust: () => {
      distrust ??= setTimeout(() => witness.testimony.trustedAt === null && stop.abort(), distrustMs);
    },
  });
  const provider = await openBuiltInProvider({
    leaf: { cert: leaf.certificatePem, key: leaf.keyPem },
    ...expected,
    onCall: (call) => witness.sawCall(call),
  });
  try {
    interceptor = await openInterceptor({
      port: 0,
      root,
      interceptHosts: profile.interceptHosts,
      isAdmitted: (name, port) => witness.admit(name, port),
      isPermitted: () => false,
      isRefusedUpgrade: (path) => profile.isRefusableUpgrade(path),
      readBackendHosts: () => [],
      routes: {
        // Whatever a request names: there is one place it can go to.
        resolve: [{ host: '*', port: 443, toAddress: '127.0.0.1', toPort: provider.port }],
        proxy: null,
        noProxy: '',
      },
      extraRoots: [leaf.certificatePem],
      sink: witness.watch(recorder),
      pace: recorder.pace,
    });
    recorder.learnSecrets([interceptor.password, interceptor.proxyUrl]);
    const startedAt = performance.now();
    const running = runBounded(
      {
        file: options.file,
        name: options.name,
        args: rule.args(prompt),
        cwd: home.project,
        environment: confine(
          buildChildEnvironment({
            environment,
            proxyUrl: interceptor.proxyUrl,
            caVariables: profile.caVariables.slice(0, 1),
            certificateFile: trust.certificateFile,
            trimNoProxy: () => '',
          }),
          interceptor.proxyUrl,
        ),
      },
      { timeoutMs: options.timeoutMs, stop: stop.signal },
    );
    const { failure } = await interceptor.load();
    if (failure !== null) stop.abort();
    const child = await running;
    const endedAt = performance.now();
    if (failure !== null) throw new Error(`the interceptor could not be loaded: ${failure}`);
    await interceptor.settle(settleMs);
    const end = { exitCode: child.exitCode ?? 137, signal: child.signal, spawnError: null };
    const report = await recorder.finish(end, () => undefined);
    const recorded = await readRecorded(home.places.dbFile, report);
    const recordedAt = performance.now();
    return { root, isOwnRoot, startedAt, endedAt, child, testimony: witness.testimony, recorded, recordedAt };
  } catch (error) {
    await recorder.discard();
    throw error;
  } finally {
    clearTimeout(distrust);
    await interceptor?.close();
    await provider.close();
  }
}

/** The user's own root where there is one that can be loaded: whether the agent accepts it is what the trial tells. */
async function chooseRoot(
  { places, profile }: TrialOptions,
  home: TrialHome,
): Promise<{ readonly root: Root; readonly isOwnRoot: boolean }> {
  const own = await loadRoot(places.caFolder).catch(() => null);
  if (own !== null) return { root: own, isOwnRoot: true };
  return { root: await openRoot(home.places.caFolder, profile.certificateDomains), isOwnRoot: false };
}

/** The user's environment, without what is a login or the agent's own; its home and its temporary folder are the trial's. */
function trialEnvironment({ rule, environment }: TrialOptions, home: TrialHome): Record<string, string | undefined> {
  const kept = Object.entries(environment).filter(([name]) => !rule.isWithheld(name) && !namesCredential(name));
  return {
    ...Object.fromEntries(kept),
    [rule.homeVariable]: home.agentHome,
    TMPDIR: home.temporary,
    TEMP: home.temporary,
    TMP: home.temporary,
  };
}

/** Roots that the user has named to the agent are joined with ours, as they are in a run. */
function namedRoots({ profile, environment }: TrialOptions): Record<string, string | undefined> {
  return Object.fromEntries(profile.caVariables.slice(0, 1).map((name) => [name, environment[name]]));
}

/** Every proxy that the agent might use is ours, and nothing goes around it. */
function confine(environment: Record<string, string>, proxyUrl: string): Record<string, string> {
  const proxies = ['HTTP_PROXY', 'ALL_PROXY', 'WSS_PROXY', 'WS_PROXY'].flatMap((name) => [name, name.toLowerCase()]);
  return { ...environment, ...Object.fromEntries(proxies.map((name) => [name, proxyUrl])) };
}
