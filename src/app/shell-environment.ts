// `tapes env`: what a shell has to set so that agents started from it pass through the standing proxy.
import { profiles } from '../agents/index.ts';
import { TapesError } from '../errors.ts';
import { findPlaces, type PlaceOptions } from './home.ts';
import { enterProxy, leaveProxy, type VariableChange } from './proxy-environment.ts';
import { isRunning, readStanding } from './standing-proxy.ts';

export interface ShellEnvironmentOptions extends PlaceOptions {
  readonly environment: Readonly<Record<string, string | undefined>>;
  /** How to get out again. */
  readonly unset: boolean;
  /** Also of a proxy that is not running: the next one will be where the last one was. */
  readonly force: boolean;
}

export interface ShellEnvironment {
  readonly isRunning: boolean;
  readonly port: number | null;
  readonly changes: readonly VariableChange[];
}

/** Throws `E_PROXY_NOT_RUNNING`: what points at a dead port keeps an agent from working at all. */
export async function readShellEnvironment(options: ShellEnvironmentOptions): Promise<ShellEnvironment> {
  const { environment, unset, force } = options;
  const standing = await readStanding(findPlaces(options, environment).home);
  const about = { isRunning: isRunning(standing), port: standing?.port ?? null };
  if (unset) return { ...about, changes: leaveProxy(environment, standing, profiles) };
  if (standing !== null && (about.isRunning || force)) {
    return { ...about, changes: enterProxy(environment, standing, profiles) };
  }
  throw new TapesError(
    'E_PROXY_NOT_RUNNING',
    standing === null
      ? 'no standing proxy has run on this home yet'
      : `no standing proxy is running: port ${standing.port} would answer nothing`,
    { hint: 'start one, in a terminal of its own: tapes proxy' },
  );
}
