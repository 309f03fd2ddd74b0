// The product as a user has it: `bin/tapes.js` from the build, in a home of its own, against a stand-in.
import { mkdtempSync, readdirSync, readFileSync, realpathSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import type { Call, Run, Session, Thread, Turn } from '../../src/domain/index.ts';
import type { StandIn } from './chatgpt/index.ts';
import { codexBin, type CodexHome } from './codex.ts';
import { run, start, type RunOptions, type RunResult, type Running } from './run.ts';

export const tapesBin = resolve(import.meta.dirname, '../../bin/tapes.js');

export interface TapesHome {
  readonly dir: string;
  remove(): void;
}

export function makeTapesHome(): TapesHome {
  const dir = realpathSync(mkdtempSync(join(tmpdir(), 'tapes-home-')));
  return { dir, remove: () => rmSync(dir, { recursive: true, force: true }) };
}

export interface Scene {
  readonly tapes: TapesHome;
  readonly codex: CodexHome;
  readonly standIn: StandIn;
}

/** The environment of a run: the agent's own, and where tapes keeps its things. */
export function sceneEnv({ tapes, codex }: Pick<Scene, 'tapes' | 'codex'>): Record<string, string> {
  return { ...codex.env, TAPES_HOME: tapes.dir, NO_COLOR: '1' };
}

/** `tapes intercept … -- <argv>` as arguments of Node. */
export function interceptArgs(
  { standIn }: Pick<Scene, 'standIn'>,
  argv: readonly string[],
  options: readonly string[] = [],
): string[] {
  return [tapesBin, 'intercept', ...standIn.resolveArgs(), ...options, '--', ...argv];
}

/** The real Codex under tapes, to its end. `args` are Codex's. */
export function runCodex(
  scene: Scene,
  args: readonly string[],
  more: Partial<RunOptions> & { readonly options?: readonly string[]; readonly command?: string } = {},
): Promise<RunResult> {
  const { options, command = codexBin().native, env = {}, ...rest } = more;
  return run(process.execPath, interceptArgs(scene, [command, ...args], options), {
    cwd: scene.codex.project,
    ...rest,
    env: { ...sceneEnv(scene), ...env },
  });
}

/** The same, while it runs. */
export function startCodex(scene: Scene, args: readonly string[], options: readonly string[] = []): Running {
  return start(process.execPath, interceptArgs(scene, [codexBin().native, ...args], options), {
    cwd: scene.codex.project,
    env: sceneEnv(scene),
  });
}

export function runTapes(
  tapes: TapesHome,
  args: readonly string[],
  more: Partial<RunOptions> = {},
): Promise<RunResult> {
  return run(process.execPath, [tapesBin, ...args], {
    ...more,
    env: { PATH: process.env['PATH'] ?? '', HOME: tapes.dir, TAPES_HOME: tapes.dir, NO_COLOR: '1', ...more.env },
  });
}

async function json<T>(tapes: TapesHome, args: readonly string[]): Promise<T> {
  const { stdout, stderr, exitCode } = await runTapes(tapes, [...args, '--json']);
  if (exitCode !== 0) throw new Error(`tapes ${args.join(' ')} exits with ${exitCode}: ${stderr}`);
  return JSON.parse(stdout) as T;
}

export interface Shown {
  readonly session: Session;
  readonly threads: readonly Thread[];
}

export const readSessions = (tapes: TapesHome, ...args: string[]): Promise<Session[]> =>
  json(tapes, ['sessions', ...args]);
export const readRuns = (tapes: TapesHome): Promise<Run[]> => json(tapes, ['runs']);
export const readShown = (tapes: TapesHome, id = 'last'): Promise<Shown> => json(tapes, ['show', id]);

export async function readTurns(tapes: TapesHome, id = 'last'): Promise<Turn[]> {
  return (await readShown(tapes, id)).threads.flatMap((thread) => thread.turns);
}

export async function readCalls(tapes: TapesHome, id = 'last'): Promise<Call[]> {
  return (await readTurns(tapes, id)).flatMap((turn) => turn.calls);
}

/** Which of these texts stand, in any of these files' bytes or names, below the folder. */
export function findTexts(folder: string, texts: Readonly<Record<string, string>>): string[] {
  const found: string[] = [];
  for (const file of readdirSync(folder, { recursive: true, withFileTypes: true })) {
    const path = join(file.parentPath, file.name);
    const bytes = file.isFile() ? readFileSync(path) : Buffer.alloc(0);
    for (const [name, text] of Object.entries(texts)) {
      const forms = [text, Buffer.from(text).toString('base64').replace(/=+$/, '')];
      if (forms.some((form) => bytes.includes(form) || path.includes(form))) found.push(`${name} in ${file.name}`);
    }
  }
  return found;
}
