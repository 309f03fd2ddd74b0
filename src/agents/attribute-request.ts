// Whose a request is, where several programs pass through one interceptor: told from its host and headers alone. Pure.
import type { RawHeaders } from '../domain/index.ts';
import { profiles } from './find-profile.ts';
import type { AgentProfile } from './profile.ts';

export interface RequestOrigin {
  /** The profile's name; of another program the product that its user agent names (`curl`, `opencode`), or `unknown`. */
  readonly agent: string;
  readonly profile: AgentProfile | null;
  readonly sessionId: string | null;
  /** One that the agent makes for itself, apart from its sessions. */
  readonly isBackground: boolean;
  /** The folder that the agent works in, where the request says. */
  readonly cwd: string | null;
}

export function attributeRequest(host: string, headers: RawHeaders, path: string): RequestOrigin {
  const profile = profiles.find((candidate) => candidate.isMine(host, headers)) ?? null;
  if (profile === null) {
    // Another program's ids are read as Codex's are: whoever speaks to the same hosts often sends the same fields.
    const sessionId = readHeader(headers, 'session-id') ?? readHeader(headers, 'x-session-id');
    return { agent: readProduct(headers), profile, sessionId, isBackground: false, cwd: null };
  }
  const { sessionId, cwd } = profile.identify(headers, null, path);
  return { agent: profile.name, profile, sessionId, isBackground: profile.isBackgroundRequest(headers), cwd };
}

/** `opencode/1.18.33 ai-sdk/…` → opencode. A product is a token (RFC 9110 section 10.1.5). */
function readProduct(headers: RawHeaders): string {
  const product = /^[\w!#$%&'*+.^`|~-]{1,64}/.exec(readHeader(headers, 'user-agent') ?? '')?.[0];
  return product?.toLowerCase() ?? 'unknown';
}

function readHeader(headers: RawHeaders, name: string): string | null {
  const value = headers.find(([candidate]) => candidate.toLowerCase() === name)?.[1].trim() ?? '';
  return value === '' || value.length > 512 ? null : value;
}
