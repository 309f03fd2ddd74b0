// From a command line to the agent it starts.
import { readCodexIdentity } from './codex-identity.ts';
import { codex } from './codex.ts';
import type { AgentProfile } from './profile.ts';

export const profiles: readonly AgentProfile[] = [codex];

/** The profile of that name, or null. */
export function findProfile(name: string): AgentProfile | null {
  return profiles.find((profile) => profile.name === name) ?? null;
}

export interface FoundAgent {
  readonly profile: AgentProfile;
  /** The agent's own arguments begin here: `npx @openai/codex exec` → 2. */
  readonly argumentsAt: number;
}

const launchers = new Set(['npx', 'bunx', 'pnpx', 'npm', 'pnpm', 'yarn', 'bun', 'node', 'env', 'sudo', 'nice', 'time']);

/** The agent that `argv` starts: its first word, or a later one behind a launcher such as npx. Null where none is known. */
export function detectAgent(argv: readonly string[]): FoundAgent | null {
  const first = commandName(argv[0] ?? '');
  const last = launchers.has(first) ? argv.length : Math.min(1, argv.length);
  for (let at = 0; at < last; at++) {
    const word = argv[at]!;
    const profile = profiles.find(
      (candidate) =>
        candidate.commands.includes(commandName(word)) || candidate.packages.some((name) => isPackage(word, name)),
    );
    if (profile !== undefined) return { profile, argumentsAt: at + 1 };
  }
  return null;
}

function commandName(word: string): string {
  const name = word.split(/[/\\]/).at(-1) ?? '';
  return name.replace(/\.(exe|cmd|bat|ps1|js|mjs)$/i, '').toLowerCase();
}

const isPackage = (word: string, name: string): boolean => word === name || word.startsWith(`${name}@`);

/** How requests of this agent are read. A script may start any agent: what Codex's requests say is looked for then. */
export const identityReaderOf = (agent: string | null): AgentProfile['identify'] =>
  findProfile(agent ?? '')?.identify ?? readCodexIdentity;
