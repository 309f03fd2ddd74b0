// A background process of the agent: one that would carry traffic past tapes, or one that waits for a tapes that has ended.
import { homedir } from 'node:os';

import type { AgentProfile, BackgroundRule } from '../../agents/index.ts';
import { findCommand, probeCommand } from '../../launch/index.ts';
import { readProcess } from '../../processes/index.ts';
import { hasGone, readPidFile } from '../background-processes.ts';
import type { AgentSurroundings } from './check-agent.ts';
import type { Finding, Mending } from './check.ts';
import { knock } from './knock.ts';

export async function checkDaemon(profile: AgentProfile, surroundings: AgentSurroundings): Promise<Finding> {
  const { environment, cwd } = surroundings;
  const rule = profile.background;
  if (rule === null) return { status: 'ok', message: 'this agent has none' };
  const pid = await findDaemon(rule, environment);
  if (pid === null) return { status: 'ok', message: 'none is running' };
  const deadProxy = await findDeadProxy(pid);
  if (deadProxy !== null) {
    return {
      status: 'warn',
      message: `pid ${pid} was started under a proxy that has ended (${deadProxy}): the agent waits for the network in vain`,
      hint: rule.stopCommand,
    };
  }
  const file = await findCommand(profile.commands[0]!, environment, cwd);
  const { exitCode } = await probeCommand(file, rule.probe, environment);
  if (exitCode === 0) return { status: 'ok', message: `pid ${pid} is running; tapes goes around it with ${rule.flag}` };
  return {
    status: 'fail',
    message: `pid ${pid} is running and would carry the traffic past tapes`,
    hint: rule.stopCommand,
  };
}

const goneWithinMs = 3_000;

/** Has the agent end its background process; the next start of the agent makes a new one. */
export async function mendDaemon(profile: AgentProfile, { environment, cwd }: AgentSurroundings): Promise<Mending> {
  const rule = profile.background;
  const pid = rule === null ? null : await findDaemon(rule, environment);
  if (rule === null || pid === null) return null;
  const file = await findCommand(profile.commands[0]!, environment, cwd);
  await probeCommand(file, rule.stopArguments, environment);
  if (await hasGone(pid, goneWithinMs)) return { done: `ended pid ${pid}: ${rule.stopCommand}` };
  // A version that does not know the command; the file may be old, and the number somebody else's by now.
  const found = await readProcess(pid);
  const isAgent = found !== null && profile.background !== null && found.argv.some((word) => rule.isProcess(word));
  if (!isAgent) return { refused: `${rule.stopCommand} does not end pid ${pid}` };
  process.kill(pid, 'SIGTERM');
  if (await hasGone(pid, goneWithinMs)) return { done: `ended pid ${pid} (SIGTERM)` };
  return { refused: `pid ${pid} does not end: it may have work in hand` };
}

const findDaemon = (
  rule: BackgroundRule,
  environment: Readonly<Record<string, string | undefined>>,
): Promise<number | null> => readPidFile(rule.pidFile(environment, homedir()));

/** The proxy on this machine that the process was told to use, if nobody listens there; only where its environment can be read. */
async function findDeadProxy(pid: number): Promise<string | null> {
  const value = (await readProcess(pid))?.environment['HTTPS_PROXY'] ?? '';
  const url = URL.canParse(value) ? new URL(value) : null;
  if (url === null || url.hostname !== '127.0.0.1' || url.port === '') return null;
  return (await knock(Number(url.port))) === 'closed' ? `127.0.0.1:${url.port}` : null;
}
