// `tapes doctor`: is everything in place for a run? Looks, and makes nothing but a throw-away round trip on loopback.
import { access, constants, readFile, stat } from 'node:fs/promises';
import { homedir } from 'node:os';

import { findProfile, profiles, type AgentProfile } from '../agents/index.ts';
import { loadRoot, makeThrowAwayRoot, permits, readCertificates } from '../ca/index.ts';
import { TapesError } from '../errors.ts';
import { findCommand, probeCommand } from '../launch/index.ts';
import { isExcluded, quietEngine, readProxyEnvironment } from '../proxy/index.ts';
import { withLibrary } from '../store/index.ts';
import { findPlaces, type PlaceOptions, type Places } from './home.ts';
import { makeRoundTrip } from './round-trip.ts';

/** ok: fine. warn: a run works, and here is something to know. fail: a run would not work, or not record. */
export type CheckStatus = 'ok' | 'warn' | 'fail';

export interface Check {
  readonly name: string;
  readonly status: CheckStatus;
  readonly message: string;
  /** The next command to type; absent where nothing needs to be done. */
  readonly hint?: string;
  readonly durationMs: number;
}

interface Finding {
  readonly status: CheckStatus;
  readonly message: string;
  readonly hint?: string;
}

export interface DoctorOptions extends PlaceOptions {
  readonly agent?: string | undefined;
  readonly environment: Readonly<Record<string, string | undefined>>;
  readonly cwd: string;
}

const warnDays = 30;
const dayMs = 86_400_000;

/** All checks, one after another. Throws `E_AGENT_UNKNOWN` only. */
export async function runDoctor(options: DoctorOptions): Promise<Check[]> {
  const profile = findProfile(options.agent ?? profiles[0]!.name);
  if (profile === null) {
    throw new TapesError('E_AGENT_UNKNOWN', `no agent is called ${options.agent}`, {
      hint: `tapes knows: ${profiles.map(({ name }) => name).join(', ')}`,
    });
  }
  const places = findPlaces(options, options.environment);
  const checks: readonly (readonly [name: string, look: () => Promise<Finding>])[] = [
    ['node', async () => checkNode(process.versions.node)],
    ['home', () => checkHome(places)],
    ['database', () => checkDatabaseFile(places)],
    ['root', () => checkRoot(places, profile)],
    ['agent', () => checkAgent(profile, options)],
    ['daemon', () => checkDaemon(profile, options)],
    ['proxy variables', () => checkProxyVariables(profile, options)],
    ['trust variables', () => checkTrustVariables(profile, options)],
    ['round trip', () => checkRoundTrip(places, profile)],
  ];
  const found: Check[] = [];
  for (const [name, look] of checks) {
    const started = performance.now();
    const finding = await look().catch(asFinding);
    found.push({ name, ...finding, durationMs: Math.round(performance.now() - started) });
  }
  return found;
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

async function checkHome({ home }: Places): Promise<Finding> {
  try {
    await access(home, constants.R_OK | constants.W_OK | constants.X_OK);
    return { status: 'ok', message: home };
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT')
      return { status: 'ok', message: `${home} (made at the first run)` };
    return { status: 'fail', message: `${home} cannot be written`, hint: `check its owner and mode: ls -ld ${home}` };
  }
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
  const root = await loadRoot(caFolder);
  if (root === null) return { status: 'ok', message: `${caFolder} (made at the first run)` };
  const days = Math.floor((root.expiresAt.getTime() - Date.now()) / dayMs);
  const until = `valid until ${root.expiresAt.toISOString().slice(0, 10)}`;
  const renew = 'make a new one in its place: tapes ca rotate';
  if (days < 0) return { status: 'fail', message: `${root.certificateFile} has expired`, hint: renew };
  const missing = profile.certificateDomains.filter((domain) => !permits(root.permittedDomains, domain));
  if (missing.length > 0)
    return { status: 'fail', message: `${root.certificateFile} does not permit ${missing.join(', ')}`, hint: renew };
  if (days < warnDays)
    return { status: 'warn', message: `${root.certificateFile} expires in ${days} days`, hint: renew };
  return { status: 'ok', message: `${until}, for ${root.permittedDomains.join(' and ')} only` };
}

async function checkAgent(profile: AgentProfile, { environment, cwd }: DoctorOptions): Promise<Finding> {
  const [command = profile.name] = profile.commands;
  let file: string;
  try {
    file = await findCommand(command, environment, cwd);
  } catch (error) {
    const [name = command] = profile.packages;
    return { status: 'fail', message: (error as Error).message, hint: `npm install -g ${name}` };
  }
  const { exitCode, stdout } = await probeCommand(file, ['--version'], environment);
  if (exitCode !== 0)
    return { status: 'fail', message: `${file} --version exits with ${exitCode}`, hint: `try it: ${file} --version` };
  return { status: 'ok', message: `${stdout.trim()} (${file})` };
}

async function checkDaemon(profile: AgentProfile, { environment, cwd }: DoctorOptions): Promise<Finding> {
  const rule = profile.background;
  if (rule === null) return { status: 'ok', message: 'this agent has none' };
  const pid = await readFile(rule.pidFile(environment, homedir()), 'utf8')
    .then((text) => (JSON.parse(text) as { pid?: unknown }).pid)
    .catch(() => null);
  if (typeof pid !== 'number' || !isAlive(pid)) return { status: 'ok', message: 'none is running' };
  const file = await findCommand(profile.commands[0]!, environment, cwd);
  const { exitCode } = await probeCommand(file, rule.probe, environment);
  if (exitCode === 0) return { status: 'ok', message: `pid ${pid} is running; tapes goes around it with ${rule.flag}` };
  return {
    status: 'fail',
    message: `pid ${pid} is running and would carry the traffic past tapes`,
    hint: rule.stopCommand,
  };
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch {
    return false;
  }
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
