// The request body of a call, for the commands that look into it.
import type { Call } from '../domain/index.ts';
import type { BodyMap } from '../derive/index.ts';
import { mapBody } from '../derive/index.ts';
import { TapesError } from '../errors.ts';
import type { Library } from '../store/index.ts';

/** Null where it was not recorded. */
export async function readRequest(library: Library, callId: string): Promise<BodyMap | null> {
  const body = await library.readBody(callId, 'request');
  if (body === null) return null;
  const pieces: Uint8Array[] = [];
  for await (const bytes of body) pieces.push(bytes);
  return mapBody(Buffer.concat(pieces));
}

/** Throws E_NO_BODY. */
export async function requireRequest(library: Library, callId: string): Promise<BodyMap> {
  const body = await readRequest(library, callId);
  if (body !== null) return body;
  throw new TapesError('E_NO_BODY', `call ${callId} has no request body`, { hint: `tapes show ${callId}` });
}

/** What the comparing commands say of a call. */
export type CallFacts = Pick<
  Call,
  | 'id'
  | 'turnId'
  | 'kind'
  | 'attempt'
  | 'status'
  | 'model'
  | 'startedAt'
  | 'durationMs'
  | 'requestBytes'
  | 'inputItems'
  | 'newItems'
  | 'usage'
  | 'error'
> & { readonly sessionId: string; readonly threadId: string };

export function callFacts(call: Call, place: { readonly sessionId: string; readonly threadId: string }): CallFacts {
  const { id, turnId, kind, attempt, status, model, startedAt, durationMs } = call;
  const { requestBytes, inputItems, newItems, usage, error } = call;
  const facts = {
    kind,
    attempt,
    status,
    model,
    startedAt,
    durationMs,
    requestBytes,
    inputItems,
    newItems,
    usage,
    error,
  };
  return { id, ...place, turnId, ...facts };
}
