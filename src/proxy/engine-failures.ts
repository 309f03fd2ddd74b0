// What becomes of a request whose handling fails. The engine by itself writes a page of its own ("500 Server error", the error's text
// behind the bytes that had already passed), also where the agent has merely hung up, and then tells of the exchange as if it had
// ended well. Here every failure breaks the connection, as a failed connection does, and is told as what it was.
import { AbortError } from 'mockttp/dist/util/abort-error';

import type { AbortedBy, WireFailure } from '../domain/index.ts';
import type { OutgoingResponse } from './engine-requests.ts';

export interface EngineFailure {
  readonly by: AbortedBy;
  readonly error: WireFailure | null;
}

export const agentHungUp: EngineFailure = { by: 'agent', error: null };

/** Handles a request; what fails is told first, and then thrown as what the engine breaks a connection for. */
export async function breakOnFailure(
  response: OutgoingResponse,
  handle: () => Promise<void>,
  tell: (failure: EngineFailure) => void,
): Promise<void> {
  try {
    await handle();
  } catch (error) {
    const failure = judge(error, response);
    tell(failure);
    if (error instanceof AbortError) throw error;
    throw new AbortError(failure.error?.message ?? 'the agent hung up', failure.error?.code ?? 'E_AGENT_HUNG_UP');
  }
}

function judge(error: unknown, response: OutgoingResponse): EngineFailure {
  const { code, message } =
    error instanceof Error ? (error as NodeJS.ErrnoException) : { code: undefined, message: String(error) };
  // mockttp throws its AbortError for a failed upstream connection, after it has reset the agent's.
  if (error instanceof AbortError) {
    if (code === 'E_DOWNSTREAM_ABORT' || code === 'E_NO_DOWNSTREAM_CONNECTION') return agentHungUp;
    return { by: 'upstream', error: { code: code ?? 'E_UPSTREAM', message } };
  }
  const isGone = response.destroyed === true || response.closed === true;
  return isGone ? agentHungUp : { by: 'tapes', error: { code: code ?? 'E_ENGINE', message } };
}
