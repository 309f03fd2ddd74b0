// stub
import type { CallKind, RawHeaders } from '../domain/index.ts';
/** What a request says about itself; every field null where it does not say. */
export interface CallIdentity {
  readonly sessionId: string | null;
  readonly threadId: string | null;
  readonly parentThreadId: string | null;
  readonly turnId: string | null;
  readonly parentTurnId: string | null;
  readonly agentName: string | null;
  readonly subagent: string | null;
  readonly kind: CallKind;
  readonly agentVersion: string | null;
  readonly originator: string | null;
  readonly cwd: string | null;
}
export function readCodexIdentity(
  _headers: RawHeaders,
  _body: Readonly<Record<string, unknown>> | null,
  _path: string,
): CallIdentity {
  throw new Error('not yet');
}
