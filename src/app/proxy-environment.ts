// The environment that leads an agent through the standing proxy, and out of it again. What a shell had before is kept beside, so that it can
// be given back; and whatever tapes itself starts from in such a shell is what was there before. Pure.
import type { AgentProfile } from '../agents/index.ts';
import { withoutEntriesFor } from '../proxy/index.ts';
import { standingUrl, type StandingProxy } from './standing-proxy.ts';

type Environment = Readonly<Record<string, string | undefined>>;

/** A variable to set; null: to unset. */
export interface VariableChange {
  readonly name: string;
  readonly value: string | null;
}

const savedPrefix = 'TAPES_SAVED_';
const proxyNames = ['HTTPS_PROXY', 'https_proxy'] as const;
const noProxyNames = ['NO_PROXY', 'no_proxy'] as const;

/** What a shell has to change so that agents started from it, and from nowhere else, pass through `standing`. */
export function enterProxy(
  environment: Environment,
  standing: StandingProxy,
  profiles: readonly AgentProfile[],
): VariableChange[] {
  const before = withoutProxy(environment, standing, profiles);
  const hosts = standing.interceptHosts;
  const wanted: VariableChange[] = [
    ...proxyNames.map((name) => ({ name, value: standingUrl(standing) })),
    ...trustNames(profiles).map((name) => ({ name, value: standing.certificateFile })),
  ];
  for (const name of noProxyNames) {
    const value = before[name];
    if (value === undefined) continue;
    const left = withoutEntriesFor(value, hosts);
    if (left !== withoutEntriesFor(value, [])) wanted.push({ name, value: left || null });
  }
  return wanted.flatMap((change) => {
    const saved = before[change.name];
    return saved === undefined ? [change] : [{ name: savedPrefix + change.name, value: saved }, change];
  });
}

/** What a shell has to change to be as it was before; in one that was never changed, nothing. */
export function leaveProxy(
  environment: Environment,
  standing: StandingProxy | null,
  profiles: readonly AgentProfile[],
): VariableChange[] {
  const before = withoutProxy(environment, standing, profiles);
  const names = [...new Set([...Object.keys(environment), ...Object.keys(before)])];
  return names
    .filter((name) => environment[name] !== before[name])
    .map((name) => ({ name, value: before[name] ?? null }));
}

/** The environment as it was before it led through `standing`: also that of one who starts tapes itself from such a shell. */
export function withoutProxy(
  environment: Environment,
  standing: StandingProxy | null,
  profiles: readonly AgentProfile[],
): Record<string, string | undefined> {
  const before: Record<string, string | undefined> = { ...environment };
  const isOurs = (name: string): boolean => {
    const value = environment[name];
    if (value === undefined || standing === null) return false;
    return trustNames(profiles).includes(name)
      ? value === standing.certificateFile
      : proxyNames.includes(name as (typeof proxyNames)[number]) && leadsTo(value, standing);
  };
  for (const name of [...proxyNames, ...trustNames(profiles), ...noProxyNames]) {
    const saved = environment[savedPrefix + name];
    delete before[savedPrefix + name];
    if (saved !== undefined) before[name] = saved;
    else if (isOurs(name)) delete before[name];
  }
  return before;
}

/** Does this proxy URL lead to `standing`, whatever password it had? */
export function leadsTo(value: string | undefined, { port }: Pick<StandingProxy, 'port'>): boolean {
  if (value === undefined || !URL.canParse(value)) return false;
  const url = new URL(value);
  return url.port === String(port) && (url.hostname === '127.0.0.1' || url.hostname === 'localhost');
}

/** The variables that name a file of roots: of each profile the first is set. */
function trustNames(profiles: readonly AgentProfile[]): string[] {
  return [...new Set(profiles.flatMap(({ caVariables }) => caVariables.slice(0, 1)))];
}
