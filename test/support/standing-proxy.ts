// `tapes proxy` as a user has it: started, waited for until it stands, and the environment that it says.
import type { StandIn } from './chatgpt/index.ts';
import { start, type Running } from './run.ts';
import { runTapes, tapesBin, type TapesHome } from './tapes.ts';

export interface RunningProxy extends Running {
  /** What it printed when it stood. */
  readonly environment: Readonly<Record<string, string>>;
  readonly port: number;
}

export interface ProxyTestOptions {
  readonly standIn: StandIn;
  readonly tapes: TapesHome;
  readonly options?: readonly string[];
  readonly env?: Readonly<Record<string, string>>;
  readonly timeoutMs?: number;
  /** What is run in place of these words: them, behind others. */
  readonly behind?: (argv: readonly string[]) => readonly string[];
}

export function launchProxy(settings: ProxyTestOptions): Running {
  const { standIn, tapes, options = [], env = {}, timeoutMs = 90_000, behind = (argv) => argv } = settings;
  const [file = '', ...args] = behind([process.execPath, tapesBin, 'proxy', ...standIn.resolveArgs(), ...options]);
  return start(file, args, {
    env: proxyEnv(tapes, env),
    cwd: tapes.dir,
    timeoutMs,
  });
}

/** Settles when it stands, its engine and all. */
export async function startProxy(options: ProxyTestOptions): Promise<RunningProxy> {
  const running = launchProxy(options);
  await running.said('CODEX_CA_CERTIFICATE');
  const environment = await readProxyEnvironment(options.tapes);
  return Object.assign(Object.create(running) as Running, {
    environment,
    port: Number(new URL(environment['HTTPS_PROXY'] ?? '').port),
  });
}

/** As `tapes env` says it. */
export async function readProxyEnvironment(tapes: TapesHome): Promise<Record<string, string>> {
  const { stdout, stderr } = await runTapes(tapes, ['env', '--json']);
  if (stdout === '') throw new Error(`tapes env says nothing: ${stderr}`);
  return (JSON.parse(stdout) as { variables: Record<string, string> }).variables;
}

/** The environment of the user who starts it; without a Codex home of one's own there is none. */
export const proxyEnv = (tapes: TapesHome, more: Readonly<Record<string, string>> = {}): Record<string, string> => ({
  PATH: process.env['PATH'] ?? '',
  HOME: tapes.dir,
  TAPES_HOME: tapes.dir,
  NO_COLOR: '1',
  ...more,
});

/** Ends it, if it is still there. */
export async function endProxy(running: Running): Promise<void> {
  running.kill('SIGKILL');
  await running.ended;
}
