// Node refuses an answer whose headers are longer than 16 KiB, and mockttp has no option for it: the provider's connection would be reset where
// without tapes the agent gets its answer. The limit is that of the process (a flag of node) or of one request, which all pass their agent.
import { Agent, type ClientRequest } from 'node:http';

interface AgentOfNode {
  addRequest(request: ClientRequest & { maxHeaderSize?: number }, ...rest: unknown[]): void;
}

/** For every request from now on that says nothing else. */
export function allowLongHeaders(maxBytes: number): void {
  const agent = Agent.prototype as unknown as AgentOfNode;
  const { addRequest } = agent;
  agent.addRequest = function (request, ...rest) {
    request.maxHeaderSize ??= maxBytes;
    addRequest.call(this, request, ...rest);
  };
}
