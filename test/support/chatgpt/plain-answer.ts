// Answers to everything that is no model call: the requests with which Codex sets itself up, and a small echo for other hosts.
import { makeTokens, type Tokens } from '../tokens.ts';
import { headerValue, type ReceivedRequest } from './received.ts';
import type { RawHeaders } from '../../../src/domain/index.ts';

export interface PlainAnswer {
  readonly status: number;
  readonly headers?: RawHeaders;
  readonly body?: string | Uint8Array;
}

export const providerHosts = ['chatgpt.com', 'api.openai.com', 'auth.openai.com', 'ab.chatgpt.com'] as const;

export interface SetUpOptions {
  /** The `workspace_backend_origin` that Codex is told. Default: https://chatgpt.com */
  readonly backendOrigin?: string;
  /** What a token refresh gets. Default: new tokens. */
  readonly refresh?: 'accept' | 'refuse';
  /** A test's own answers to requests that are no model calls; null leaves a request to the stand-in. */
  readonly routes?: (request: ReceivedRequest) => PlainAnswer | null;
}

/** `issued` gets the tokens that a refresh hands out. */
export function plainAnswer(request: ReceivedRequest, options: SetUpOptions, issued: Tokens[]): PlainAnswer {
  const own = options.routes?.(request) ?? null;
  if (own !== null) return own;
  const path = request.path.split('?', 1)[0] ?? '';
  const hostName = request.host.replace(/:\d+$/, '');
  if (path === '/backend-api/wham/accounts/check') return json(200, accounts(request, options));
  if (path === '/oauth/token' && request.method === 'POST') return refreshAnswer(request, options, issued);
  if (path === '/otlp/v1/metrics') return json(200, {});
  if ((providerHosts as readonly string[]).includes(hostName)) return json(404, { detail: 'Not Found' });
  return otherHost(request, hostName, path);
}

function accounts(request: ReceivedRequest, options: SetUpOptions): unknown {
  const id = headerValue(request.rawHeaders, 'chatgpt-account-id') ?? 'acc-stand-in';
  const account = {
    id,
    structure: 'personal',
    workspace_backend_origin: options.backendOrigin ?? 'https://chatgpt.com',
    account_routing_override: 'NO_CONSTRAINT',
  };
  return { accounts: [account], account_ordering: [id] };
}

function refreshAnswer(request: ReceivedRequest, options: SetUpOptions, issued: Tokens[]): PlainAnswer {
  if (options.refresh === 'refuse') {
    return json(401, { error: { code: 'refresh_token_expired', message: 'The refresh token has expired' } });
  }
  const asked = JSON.parse(request.bodyBytes.toString('utf8')) as { readonly refresh_token?: string };
  const accountId = asked.refresh_token?.split('.')[1];
  const tokens = makeTokens(accountId === undefined ? {} : { accountId });
  issued.push(tokens);
  const { idToken, accessToken, refreshToken } = tokens;
  return json(200, { id_token: idToken, access_token: accessToken, refresh_token: refreshToken });
}

/** A host of no provider: gives a body back as it came, `/bytes/N` as N bytes, everything else as one line of text. */
function otherHost(request: ReceivedRequest, hostName: string, path: string): PlainAnswer {
  const size = /^\/bytes\/(\d+)$/.exec(path)?.[1];
  const type = (value: string): RawHeaders => [['content-type', value]];
  if (size !== undefined) {
    return { status: 200, headers: type('application/octet-stream'), body: Buffer.alloc(Number(size), 'tapes') };
  }
  if (request.bodyBytes.length > 0) {
    return { status: 200, headers: type('application/octet-stream'), body: request.bodyBytes };
  }
  return { status: 200, headers: type('text/plain'), body: `${request.method} ${request.path} at ${hostName}\n` };
}

function json(status: number, value: unknown): PlainAnswer {
  return { status, headers: [['content-type', 'application/json']], body: JSON.stringify(value) };
}
