// `tapes doctor`: is everything in place for a run? Looks, and makes nothing but a throw-away round trip on loopback. For an agent that is
// named it proves it, by a trial: one turn of the real program on loopback. With `fix` it mends what can be mended safely, and looks again.
import { stat } from 'node:fs/promises';

import { findProfile, profiles, type AgentProfile } from '../agents/index.ts';
import {
  isoDay,
  loadRoot,
  makeThrowAwayRoot,
  readCertificates,
  readNext,
  refuseUnusable,
  refuseWrongClock,
} from '../ca/index.ts';
import { TapesError } from '../errors.ts';
import { isExcluded, quietEngine, readProxyEnvironment } from '../proxy/index.ts';
import { withLibrary } from '../store/index.ts';
import { warnOfExpiry, warnOfWaiting } from './choose-root.ts';
import { lookAtAgent, type AgentLook, type AgentSurroundings } from './doctor/check-agent.ts';
import { checkDaemon, mendDaemon } from './doctor/check-daemon.ts';
import { checkHome, mendHome } from './doctor/check-home.ts';
import { checkStanding } from './doctor/check-standing.ts';
import type { Check, Finding, Mending } from './doctor/check.ts';
import { judgeTrial } from './doctor/judge-trial.ts';
import { mendRoot } from './doctor/mend-root.ts';
import { runTrial } from './doctor/run-trial.ts';
import { findPlaces, type PlaceOptions, type Places } from './home.ts';
import { withoutProxy } from './proxy-environment.ts';
import { makeRoundTrip } from './round-trip.ts';
import { readStanding } from './standing-proxy.ts';

export interface DoctorOptions extends PlaceOptions, AgentSurroundings {
  /** Named: the agent is tried out. Default: the first one that tapes knows is looked for. */
  readonly agent?: string | undefined;
  readonly fix: boolean;
  /** How long the agent may take for its turn in the trial. */
  readonly timeoutMs: number;
}

interface Look {
  readonly name: string;
  readonly look: () => Promise<Finding>;
  /** Tries to mend what `look` has found. */
  readonly mend?: () => Promise<Mending>;
}

const mostMendings = 3;

/** All checks, one after another. Throws `E_AGENT_UNKNOWN` only. */
export async function runDoctor(given: DoctorOptions): Promise<Check[]> {
  const profile = findProfile(given.agent ?? profiles[0]!.name);
  if (profile === null) {
    throw new TapesError('E_AGENT_UNKNOWN', `no agent is called ${given.agent}`, {
      hint: `tapes knows: ${profiles.map(({ name }) => name).join(', ')}`,
    });
  }
  const places = findPlaces(given, given.environment);
  const standing = await readStanding(places.home);
  // In a shell that leads through the standing proxy a run goes the way that was there before: so it is looked at.
  const options = { ...given, environment: withoutProxy(given.environment, standing, profiles) };
  let agent: AgentLook['agent'] = null;
  const looks: readonly Look[] = [
    { name: 'node', look: async () => checkNode(process.versions.node) },
    { name: 'home', look: () => checkHome(places), mend: () => mendHome(places) },
    { name: 'database', look: () => checkDatabaseFile(places) },
    {
      name: 'root',
      look: () => checkRoot(places, profile),
      mend: () => mendRoot(places, options.environment, () => checkRoot(places, profile)),
    },
    {
      name: 'agent',
      async look() {
        const looked = await lookAtAgent(profile, options);
        agent = looked.agent;
        return looked.finding;
      },
    },
    { name: 'daemon', look: () => checkDaemon(profile, options), mend: () => mendDaemon(profile, options) },
    { name: 'standing proxy', look: () => checkStanding(standing, given.environment) },
    { name: 'proxy variables', look: () => checkProxyVariables(profile, options) },
    { name: 'trust variables', look: () => checkTrustVariables(profile, options) },
  ];
  const found: Check[] = [];
  for (const look of looks) found.push(await examine(look, options.fix));
  const isProved = options.agent !== undefined && profile.trial !== null;
  if (isProved && agent !== null) return [...found, ...(await tryAgent(agent, profile, places, options))];
  return [...found, await examine({ name: 'round trip', look: () => checkRoundTrip(places, profile) }, false)];
}

async function examine({ name, look, mend }: Look, isMended: boolean): Promise<Check> {
  const started = performance.now();
  const finish = (finding: Finding, more: { readonly mended?: string } = {}): Check => ({
    name,
    ...finding,
    ...more,
    durationMs: Math.round(performance.now() - started),
  });
  let finding = await look().catch(asFinding);
  if (!isMended || mend === undefined) return finish(finding);
  const done: string[] = [];
  const told = (): { mended?: string } => (done.length === 0 ? {} : { mended: done.join('; ') });
  // One fault may hide another: a key that others may read, of a root that has expired.
  while (finding.status !== 'ok' && done.length < mostMendings) {
    const mending = await mend().catch((error: unknown) => ({ refused: asFinding(error).message }));
    if (mending === null) break;
    if ('refused' in mending)
      return finish({ ...finding, message: `${finding.message}; not mended: ${mending.refused}` }, told());
    done.push(mending.done);
    finding = await look().catch(asFinding);
  }
  return finish(finding, told());
}

/** One turn of the real program: what it did, step by step. */
async function tryAgent(
  agent: NonNullable<AgentLook['agent']>,
  profile: AgentProfile,
  places: Places,
  { environment, timeoutMs }: DoctorOptions,
): Promise<Check[]> {
  const started = performance.now();
  try {
    const trial = await runTrial({ profile, rule: profile.trial!, ...agent, environment, places, timeoutMs });
    return judgeTrial(trial, { profile, ...agent, timeoutMs, now: Date.now() });
  } catch (error) {
    const durationMs = Math.round(performance.now() - started);
    return [{ name: 'trial', ...asFinding(error), durationMs }];
  }
}

function asFinding(error: unknown): Finding {
  const message = error instanceof Error ? error.message : String(error);
  const hint = error instanceof TapesError ? error.hint : undefined;
  return { status: 'fail', message, ...(hint === undefined ? {} : { hint }) };
}

/** Node 20.17 is what the SQLite binding and this code need. */
function checkNode(version: string): Finding {
  const [major = 0, minor = 0] = version.split('.').map(Number);
  const isEnough = major > 20 || (major === 20 && minor >= 17);
  if (isEnough) return { status: 'ok', message: `Node ${version}` };
  return {
    status: 'fail',
    message: `Node ${version} is too old: tapes needs 20.17 or later`,
    hint: 'install a newer Node: https://nodejs.org',
  };
}

async function checkDatabaseFile({ dbFile }: Places): Promise<Finding> {
  try {
    const [newest] = await withLibrary(dbFile, (library) => library.listRuns({ limit: 1, all: true }));
    const { size } = await stat(dbFile);
    const last = newest === undefined ? 'no run yet' : `last run ${newest.startedAt}`;
    return { status: 'ok', message: `${dbFile}, ${(size / 1e6).toFixed(1)} MB, ${last}` };
  } catch (error) {
    if (!(error instanceof TapesError) || error.code !== 'E_DB_MISSING') throw error;
    return { status: 'ok', message: `${dbFile} (made at the first run)` };
  }
}

async function checkRoot({ caFolder }: Places, profile: AgentProfile): Promise<Finding> {
  const now = new Date();
  const root = await loadRoot(caFolder);
  if (root === null) {
    refuseWrongClock(now);
    return { status: 'ok', message: `${caFolder} (made at the first run)` };
  }
  refuseUnusable(root, profile.certificateDomains, now);
  const [warning] = [...warnOfExpiry(root, now), ...warnOfWaiting(await readNext(caFolder, now))];
  if (warning !== undefined) return { status: 'warn', message: warning };
  return {
    status: 'ok',
    message: `valid until ${isoDay(root.expiresAt)}, for ${root.permittedDomains.join(' and ')} only`,
  };
}

async function checkProxyVariables(profile: AgentProfile, { environment }: DoctorOptions): Promise<Finding> {
  const { proxy, noProxy } = readProxyEnvironment(environment);
  const hidden = profile.interceptHosts.filter((host) => isExcluded(noProxy, host, 443));
  if (hidden.length > 0) {
    return { status: 'warn', message: `NO_PROXY covers ${hidden[0]}: taken out for the agent, so that tapes sees it` };
  }
  if (proxy === null) return { status: 'ok', message: 'none is set' };
  return { status: 'ok', message: `upstream goes through ${proxy.scheme}://${proxy.host}:${proxy.port}` };
}

async function checkTrustVariables(profile: AgentProfile, { environment }: DoctorOptions): Promise<Finding> {
  const messages: string[] = [];
  for (const variable of profile.caVariables) {
    const file = environment[variable];
    if (!file) continue;
    const certificates = await readCertificates(file, variable);
    messages.push(
      `${variable} names ${certificates.length} roots: joined with ours for the agent, and trusted upstream`,
    );
  }
  return { status: 'ok', message: messages.join('; ') || 'none is set' };
}

async function checkRoundTrip({ caFolder }: Places, profile: AgentProfile): Promise<Finding> {
  quietEngine();
  const [host = 'localhost'] = profile.interceptHosts;
  const root = (await loadRoot(caFolder)) ?? (await makeThrowAwayRoot(profile.certificateDomains));
  const statusLine = await makeRoundTrip(root, host);
  return { status: 'ok', message: `${statusLine} from ${host} on loopback, through the interceptor` };
}
