// What the standing proxy of a home is: its port and its password, which outlive it so that an environment stays valid, and which process it
// is while it runs. One file, 0600, replaced as a whole.
import { chmod, readFile, rename, rm, stat, writeFile } from 'node:fs/promises';
import { hostname } from 'node:os';
import { join } from 'node:path';

import { newId, shellWord } from '../domain/index.ts';
import { TapesError } from '../errors.ts';
import { proxyUrlOf } from '../proxy/index.ts';
import { describeProcess, isProcessAlive } from '../processes/index.ts';

export interface StandingProxy {
  readonly port: number;
  /** Kept also while nobody is asked for it. */
  readonly password: string;
  /** Does it ask for the password? */
  readonly isAuthenticated: boolean;
  /** What agents are told to trust. */
  readonly certificateFile: string;
  /** Names and globs that it intercepts: no NO_PROXY is to hide them from it. */
  readonly interceptHosts: readonly string[];
  /** Null: it has ended. */
  readonly process: StandingProcess | null;
}

interface StandingProcess {
  readonly hostname: string;
  readonly pid: number;
  readonly pidStarted: string | null;
}

const fileName = 'proxy.json';

/** Null: there was none yet, or its file cannot be used: others could have read it, or it is not what tapes writes. */
export async function readStanding(home: string): Promise<StandingProxy | null> {
  const file = join(home, fileName);
  try {
    // Windows has no such mode: there the home is the user's by its place.
    if (process.platform !== 'win32' && ((await stat(file)).mode & 0o077) !== 0) return null;
    const json: unknown = JSON.parse(await readFile(file, 'utf8'));
    return isStanding(json) ? json : null;
  } catch {
    return null;
  }
}

/** Throws `E_HOME_NOT_WRITABLE`. */
export async function writeStanding(home: string, standing: StandingProxy): Promise<void> {
  const file = join(home, fileName);
  const draft = `${file}.${newId()}`;
  try {
    await writeFile(draft, `${JSON.stringify(standing, null, 2)}\n`, { mode: 0o600, flag: 'wx' });
    await chmod(draft, 0o600);
    await rename(draft, file);
  } catch (cause) {
    await rm(draft, { force: true }).catch(() => undefined);
    throw new TapesError('E_HOME_NOT_WRITABLE', `${file} cannot be written: ${(cause as Error).message}`, {
      hint: `check its owner and mode: ls -l ${shellWord(file)}`,
      cause,
    });
  }
}

/** Of a dead one nothing but port and password is left, also after `kill -9`. On another machine it is no proxy of this one. */
export function isRunning(standing: StandingProxy | null): standing is StandingProxy & { process: StandingProcess } {
  if (standing === null || standing.process === null || standing.process.hostname !== hostname()) return false;
  const { pid, pidStarted } = standing.process;
  return isProcessAlive({ hostname: standing.process.hostname, pid, pid_started: pidStarted });
}

export function thisProcess(): StandingProcess {
  const { pid, pid_started: pidStarted } = describeProcess(process.pid);
  return { hostname: hostname(), pid, pidStarted };
}

export const standingUrl = ({ port, password, isAuthenticated }: StandingProxy): string =>
  proxyUrlOf(port, isAuthenticated ? password : null);

function isStanding(json: unknown): json is StandingProxy {
  if (typeof json !== 'object' || json === null) return false;
  const {
    port,
    password,
    isAuthenticated,
    certificateFile,
    interceptHosts,
    process: running,
  } = json as Record<string, unknown>;
  return (
    Number.isInteger(port) &&
    typeof password === 'string' &&
    /^[0-9a-f]{32}$/.test(password) &&
    typeof isAuthenticated === 'boolean' &&
    typeof certificateFile === 'string' &&
    Array.isArray(interceptHosts) &&
    interceptHosts.every((host) => typeof host === 'string') &&
    (running === null || (typeof running === 'object' && Number.isInteger((running as { pid?: unknown }).pid)))
  );
}
