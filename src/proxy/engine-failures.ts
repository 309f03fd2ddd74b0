// What becomes of a request whose handling fails. The engine by itself writes a page of its own ("500 Server error", the error's text
// behind the bytes that had already passed), also where the agent has merely hung up, and then tells of the exchange as if it had
// ended well. Here every failure breaks the connection, as a failed connection does, and is told as what it was.
import type { Mockttp } from 'mockttp';
import { AbortError } from 'mockttp/dist/util/abort-error';

import type { AbortedBy, WireFailure } from '../domain/index.ts';

export interface EngineFailure {
  readonly by: AbortedBy;
  readonly error: WireFailure | null;
}

interface Rule {
  handle(request: { readonly id: string }, response: AgentResponse, options: unknown): Promise<void>;
}

interface AgentResponse {
  readonly destroyed?: boolean;
  readonly closed?: boolean;
  readonly stream?: { readonly destroyed?: boolean };
}

const keptForMs = 10_000;
const agentHungUp: EngineFailure = { by: 'agent', error: null };

/** To be called once the rules are set. Gives what is known of an aborted request, and forgets it: without a failure, the agent hung up. */
export function breakOnFailure(engine: Mockttp): (requestId: string) => EngineFailure {
  const failures = new Map<string, EngineFailure>();
  const { requestRuleSets } = engine as unknown as { requestRuleSets: Readonly<Record<string, readonly Rule[]>> };
  for (const rule of Object.values(requestRuleSets).flat()) {
    const handle = rule.handle.bind(rule);
    rule.handle = async (request, response, options) => {
      try {
        await handle(request, response, options);
      } catch (error) {
        const failure = judge(error, response);
        failures.set(request.id, failure);
        // An abort that was told before its failure was known never asks for it.
        setTimeout(() => failures.delete(request.id), keptForMs).unref();
        if (error instanceof AbortError) throw error;
        throw new AbortError(failure.error?.message ?? 'the agent hung up', failure.error?.code ?? 'E_AGENT_HUNG_UP');
      }
    };
  }
  return (requestId) => {
    const failure = failures.get(requestId) ?? agentHungUp;
    failures.delete(requestId);
    return failure;
  };
}

function judge(error: unknown, response: AgentResponse): EngineFailure {
  const { code, message } =
    error instanceof Error ? (error as NodeJS.ErrnoException) : { code: undefined, message: String(error) };
  // mockttp throws its AbortError for a failed upstream connection, after it has reset the agent's.
  if (error instanceof AbortError) {
    if (code === 'E_DOWNSTREAM_ABORT' || code === 'E_NO_DOWNSTREAM_CONNECTION') return agentHungUp;
    return { by: 'upstream', error: { code: code ?? 'E_UPSTREAM', message } };
  }
  const isGone = response.destroyed === true || response.closed === true || response.stream?.destroyed === true;
  return isGone ? agentHungUp : { by: 'tapes', error: { code: code ?? 'E_ENGINE', message } };
}
