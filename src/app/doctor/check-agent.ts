// The agent's program: where it is, and which version.
import { open } from 'node:fs/promises';

import type { AgentProfile } from '../../agents/index.ts';
import { shellWord } from '../../domain/index.ts';
import { findCommand, probeCommand, type ProbeResult } from '../../launch/index.ts';
import type { Finding } from './check.ts';
import { holdSignals } from './hold-signals.ts';
import { makeThrowAwayFolder } from './throw-away-folder.ts';

export interface AgentSurroundings {
  readonly environment: Readonly<Record<string, string | undefined>>;
  readonly cwd: string;
}

export interface FoundAgent {
  readonly name: string;
  readonly file: string;
  /** It begins with `#!`, and is none of npm's for node: it may start something else, and set what nobody knows. */
  readonly isScript: boolean;
  /** As it says it; null where it does not. */
  readonly version: string | null;
}

export interface AgentLook {
  readonly finding: Finding;
  /** Null where there is no such program. */
  readonly agent: FoundAgent | null;
}

/** Looks for the program as `tapes intercept` does. */
export async function lookAtAgent(profile: AgentProfile, { environment, cwd }: AgentSurroundings): Promise<AgentLook> {
  const [name = profile.name] = profile.commands;
  let file: string;
  try {
    file = await findCommand(name, environment, cwd);
  } catch (error) {
    const hint = `npm install -g ${profile.packages[0] ?? name}`;
    return { finding: { status: 'fail', message: (error as Error).message, hint }, agent: null };
  }
  const { exitCode, stdout } = await askVersion(profile, file, environment);
  const agent = { name, file, isScript: await isScript(file), version: stdout.trim().split('\n', 1)[0] || null };
  if (exitCode === 0) return { finding: { status: 'ok', message: `${stdout.trim()} (${file})` }, agent };
  const how = exitCode === null ? 'does not end' : `exits with ${exitCode}`;
  return {
    finding: { status: 'fail', message: `${file} --version ${how}`, hint: `try it: ${shellWord(file)} --version` },
    agent,
  };
}

/** In a home that is thrown away: Codex makes folders in its own even when it is asked for nothing but its version. */
async function askVersion(
  profile: AgentProfile,
  file: string,
  environment: Readonly<Record<string, string | undefined>>,
): Promise<ProbeResult> {
  if (profile.trial === null) return probeCommand(file, ['--version'], environment);
  const signals = holdSignals(() => undefined);
  const folder = await makeThrowAwayFolder();
  try {
    return await probeCommand(file, ['--version'], { ...environment, [profile.trial.homeVariable]: folder.path });
  } finally {
    await folder.remove();
    signals.release();
  }
}

async function isScript(file: string): Promise<boolean> {
  const handle = await open(file).catch(() => null);
  if (handle === null) return false;
  try {
    const { buffer, bytesRead } = await handle.read(Buffer.alloc(80), 0, 80, 0);
    const [line = ''] = buffer.toString('latin1', 0, bytesRead).split('\n', 1);
    return line.startsWith('#!') && !/\bnode\b/.test(line);
  } finally {
    await handle.close();
  }
}
