// The agent that a user names.
import { findProfile, profiles, type AgentProfile } from '../agents/index.ts';
import { TapesError } from '../errors.ts';

/** Throws `E_AGENT_UNKNOWN`. */
export function requireProfile(name: string): AgentProfile {
  const profile = findProfile(name);
  if (profile !== null) return profile;
  throw new TapesError('E_AGENT_UNKNOWN', `no agent is called ${name}`, {
    hint: `tapes knows: ${profiles.map((known) => known.name).join(', ')}`,
  });
}
