// The one place where mockttp handles a request, opened for what tapes does around it. Pure plumbing: `breakOnFailure` and the
// telling of exchanges (`engine-exchanges.ts`) both stand here, so that neither needs events that come later or in batches.
import type { Mockttp } from 'mockttp';

export type HeaderPairs = readonly (readonly [string, string])[];

/** The fields of mockttp's requests that are read here. */
export interface EngineRequest {
  readonly id: string;
  readonly method: string;
  readonly url: string;
  readonly path: string;
  readonly httpVersion?: string;
  readonly destination: { readonly hostname: string; readonly port: number };
  readonly rawHeaders: HeaderPairs;
  readonly remoteIpAddress?: string;
  readonly remotePort?: number;
  readonly timingEvents: { readonly startTimestamp: number };
}

/** A request while it comes in: Node's own. */
export interface IncomingRequest extends EngineRequest {
  prependListener(event: 'data', listener: (chunk: Uint8Array) => void): unknown;
  once(event: 'end', listener: () => void): unknown;
}

/** Its response while it goes out. */
export interface OutgoingResponse {
  readonly statusCode: number;
  readonly statusMessage: string;
  readonly destroyed?: boolean;
  readonly closed?: boolean;
  writeHead(...args: unknown[]): unknown;
  getRawHeaders(): HeaderPairs;
  readonly body: { asStream(): NodeJS.ReadableStream };
}

interface Rule {
  handle(request: IncomingRequest, response: OutgoingResponse, options: unknown): Promise<void>;
}

/** Has `around` stand around the handling of every request. To be called once the rules are set. */
export function aroundRequests(
  engine: Mockttp,
  around: (request: IncomingRequest, response: OutgoingResponse, handle: () => Promise<void>) => Promise<void>,
): void {
  const { requestRuleSets } = engine as unknown as { requestRuleSets: Readonly<Record<string, readonly Rule[]>> };
  for (const rule of Object.values(requestRuleSets).flat()) {
    const handle = rule.handle.bind(rule);
    rule.handle = (request, response, options) => around(request, response, () => handle(request, response, options));
  }
}
