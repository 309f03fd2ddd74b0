// Answers to everything that is no model call: the requests with which Codex sets itself up.
import type { RawHeaders } from '../domain/index.ts';
import type { HttpExchange } from './http-exchange.ts';
import { headerValue, type ReceivedRequest } from './received.ts';

export interface PlainAnswer {
  readonly status: number;
  readonly headers?: RawHeaders;
  readonly body?: string | Uint8Array;
}

/**
 * What Codex must get before its first turn (`accounts/check` names the backend), and a 404 for the rest, with which it works. It would retry
 * `accounts/check` for 20 s, and models and plugins not at all.
 */
export function answerSetUp(request: ReceivedRequest, backendOrigin = 'https://chatgpt.com'): PlainAnswer {
  const path = request.path.split('?', 1)[0] ?? '';
  if (path === '/backend-api/wham/accounts/check') return answerJson(200, accounts(request, backendOrigin));
  if (path === '/otlp/v1/metrics') return answerJson(200, {});
  return answerJson(404, { detail: 'Not Found' });
}

function accounts(request: ReceivedRequest, backendOrigin: string): unknown {
  const id = headerValue(request.rawHeaders, 'chatgpt-account-id') ?? 'acc-unknown';
  const account = {
    id,
    structure: 'personal',
    workspace_backend_origin: backendOrigin,
    account_routing_override: 'NO_CONSTRAINT',
  };
  return { accounts: [account], account_ordering: [id] };
}

export function answerJson(status: number, value: unknown): PlainAnswer {
  return { status, headers: [['content-type', 'application/json']], body: JSON.stringify(value) };
}

/** Sends it, without its body where HEAD asked. */
export async function sendPlain(exchange: HttpExchange, plain: PlainAnswer): Promise<void> {
  const body = Buffer.from(plain.body ?? '');
  exchange.sendHead(plain.status, [...(plain.headers ?? []), ['content-length', String(body.length)]]);
  if (exchange.request.method !== 'HEAD') await exchange.write(body);
  exchange.end();
}
