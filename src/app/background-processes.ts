// Background processes that agents leave running (Codex's daemon), as a standing proxy meets them: each keeps for its whole life the environment
// that it was started with. One that knows nothing of the proxy records nothing; one that points at a proxy that has ended waits for ever.
import { readFile } from 'node:fs/promises';
import { homedir } from 'node:os';
import { setTimeout as delay } from 'node:timers/promises';

import type { AgentProfile, BackgroundRule } from '../agents/index.ts';
import { shellWord } from '../domain/index.ts';
import { findCommand, probeCommand } from '../launch/index.ts';
import { isAlive, listProcesses, readProcess } from '../processes/index.ts';
import { leadsTo } from './proxy-environment.ts';

type Environment = Readonly<Record<string, string | undefined>>;

export interface BackgroundProcess {
  readonly profile: AgentProfile;
  readonly pid: number;
  /** What it was started with; null where the system does not tell. */
  readonly environment: Environment | null;
  /** Does it lead through the proxy? Null: the system does not tell. */
  readonly isPointed: boolean | null;
  /** What to type to end it. */
  readonly stopCommand: string;
}

interface Home {
  readonly profile: AgentProfile;
  readonly rule: BackgroundRule;
  readonly pidFile: string;
  readonly environment: Environment;
}

const lookEveryMs = 50;

export interface BackgroundSearch {
  readonly profiles: readonly AgentProfile[];
  readonly environment: Environment;
  readonly standing: { readonly port: number };
}

/** That of the agent's home in `environment`, and those of all processes of this user that point at the port of `standing`. */
export async function findBackgroundProcesses(search: BackgroundSearch): Promise<BackgroundProcess[]> {
  const { profiles, environment, standing } = search;
  const homes = new Map<string, Home>();
  const add = (from: Environment): void => {
    for (const profile of profiles) {
      const rule = profile.background;
      if (rule === null) continue;
      const pidFile = rule.pidFile(from, from['HOME'] || homedir());
      if (!homes.has(pidFile)) homes.set(pidFile, { profile, rule, pidFile, environment: from });
    }
  };
  add(environment);
  for (const pid of await listProcesses()) {
    const found = await readProcess(pid);
    if (found !== null && isPointed(found.environment, standing)) add(found.environment);
  }
  const found = await Promise.all([...homes.values()].map((home) => readHome(home, environment, standing)));
  return found.filter((process) => process !== null);
}

/**
 * Has the agent end it with its own command, and waits for `timeoutMs` at the most. False: it is still there. Codex's daemon takes no new work
 * from then on, and ends with the turn that it is at, however long that takes; asked once more, it ends at once (0.169).
 */
export async function stopBackgroundProcess(
  found: BackgroundProcess,
  environment: Environment,
  timeoutMs: number,
  signal?: AbortSignal,
): Promise<boolean> {
  const { profile, pid } = found;
  const rule = profile.background;
  if (rule === null || !isAlive(pid)) return true;
  const own = { ...environment, ...found.environment };
  const deadline = performance.now() + timeoutMs;
  try {
    const file = await findCommand(profile.commands[0] ?? profile.name, own, process.cwd());
    await probeCommand(file, rule.stopArguments, own, timeoutMs, signal);
  } catch {
    return !isAlive(pid); // the agent's command is not on the path of either
  }
  return hasGone(pid, deadline - performance.now(), signal);
}

/** Waits until there is no such process any more, for `timeoutMs` at the most. */
export async function hasGone(pid: number, timeoutMs: number, signal?: AbortSignal): Promise<boolean> {
  const deadline = performance.now() + timeoutMs;
  const mayWait = (): boolean => signal?.aborted !== true && performance.now() < deadline;
  while (isAlive(pid) && mayWait()) await delay(lookEveryMs);
  return !isAlive(pid);
}

/** The process that the agent's file names, if it is there. */
export async function readPidFile(file: string): Promise<number | null> {
  const pid = await readFile(file, 'utf8')
    .then((text) => (JSON.parse(text) as { readonly pid?: unknown }).pid)
    .catch(() => null);
  return typeof pid === 'number' && isAlive(pid) ? pid : null;
}

async function readHome(
  { profile, rule, pidFile, environment }: Home,
  own: Environment,
  standing: { readonly port: number },
): Promise<BackgroundProcess | null> {
  const pid = await readPidFile(pidFile);
  if (pid === null) return null;
  const facts = await readProcess(pid);
  // A pid file that its process has left behind may name another by now: one whose home is another's.
  if (facts !== null && rule.pidFile(facts.environment, facts.environment['HOME'] || homedir()) !== pidFile)
    return null;
  return {
    profile,
    pid,
    environment: facts?.environment ?? null,
    isPointed: facts === null ? null : isPointed(facts.environment, standing),
    stopCommand: withHome(rule.stopCommand, environment, own),
  };
}

/** The command as it is typed in the user's own shell, which may have another home. */
function withHome(command: string, environment: Environment, own: Environment): string {
  const names = ['HOME', 'CODEX_HOME'].filter(
    (name) => environment[name] !== undefined && environment[name] !== own[name],
  );
  return [...names.map((name) => `${name}=${shellWord(environment[name]!)}`), command].join(' ');
}

const isPointed = (environment: Environment, standing: { readonly port: number }): boolean =>
  leadsTo(environment['HTTPS_PROXY'], standing) || leadsTo(environment['https_proxy'], standing);
