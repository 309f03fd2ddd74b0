// curl as the agent: scripts of shell that post model calls through tapes, for tests of what becomes of them when something fails.
import { start, type RunResult, type Running } from './run.ts';
import { startStandIn, type StandIn, type StandInOptions } from './chatgpt/index.ts';
import { makeTapesHome, tapesBin, type TapesHome } from './tapes.ts';

export interface CurlScene {
  readonly standIn: StandIn;
  readonly tapes: TapesHome;
}

export interface ScriptOptions {
  /** What starts `tapes`, given its whole command line. Default: nothing before it. */
  readonly wrap?: (argv: readonly string[]) => readonly string[];
  /** Options of `tapes intercept`. Default: those that lead to the stand-in. */
  readonly options?: readonly string[];
  /** Besides PATH, HOME and TAPES_HOME. */
  readonly env?: Readonly<Record<string, string>>;
  readonly timeoutMs?: number;
}

/** `closing` is given what ends the scene. */
export async function setCurlScene(closing: (() => unknown)[], options: StandInOptions = {}): Promise<CurlScene> {
  const standIn = await startStandIn(options);
  const tapes = makeTapesHome();
  closing.push(() => standIn.close(), tapes.remove);
  return { standIn, tapes };
}

const responsesUrl = 'https://chatgpt.com/backend-api/codex/responses';
export const postedBody = JSON.stringify({
  model: 'gpt-test',
  stream: true,
  input: [{ type: 'message', role: 'user', content: [{ type: 'input_text', text: 'hello from curl' }] }],
});

/** One call as a line of shell. `more`: further options of curl. */
export const post = (more = ''): string =>
  `curl -sS --no-buffer --cacert "$CODEX_CA_CERTIFICATE" -H 'content-type: application/json' ${more} -d '${postedBody}' ${responsesUrl}`;

export function startScript(
  scene: CurlScene,
  script: string,
  { wrap = (argv) => argv, options, env = {}, timeoutMs }: ScriptOptions = {},
): Running {
  const own = options === undefined ? scene.standIn.resolveArgs() : options;
  const [command = '', ...args] = wrap([process.execPath, tapesBin, 'intercept', ...own, '--', 'sh', '-c', script]);
  return start(command, args, {
    env: { PATH: process.env['PATH'] ?? '', HOME: scene.tapes.dir, TAPES_HOME: scene.tapes.dir, ...env },
    cwd: scene.tapes.dir,
    ...(timeoutMs === undefined ? {} : { timeoutMs }),
  });
}

export const countAnswers = ({ stdout }: RunResult): number => stdout.match(/event: response\.completed/g)?.length ?? 0;
