// Answers to everything that is no model call: what the provider itself says, new tokens, a test's own, and a small echo for other hosts.
import type { RawHeaders } from '../../../src/domain/index.ts';
import {
  answerJson,
  answerSetUp,
  makeTokens,
  type PlainAnswer,
  type ReceivedRequest,
  type Tokens,
} from '../../../src/provider/index.ts';

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
  if (path === '/oauth/token' && request.method === 'POST') return refreshAnswer(request, options, issued);
  const setUp = answerSetUp(request, options.backendOrigin);
  if (setUp.status !== 404 || (providerHosts as readonly string[]).includes(hostName)) return setUp;
  return otherHost(request, hostName, path);
}

function refreshAnswer(request: ReceivedRequest, options: SetUpOptions, issued: Tokens[]): PlainAnswer {
  if (options.refresh === 'refuse') {
    return answerJson(401, { error: { code: 'refresh_token_expired', message: 'The refresh token has expired' } });
  }
  const asked = JSON.parse(request.bodyBytes.toString('utf8')) as { readonly refresh_token?: string };
  const accountId = asked.refresh_token?.split('.')[1];
  const tokens = makeTokens(accountId === undefined ? {} : { accountId });
  issued.push(tokens);
  const { idToken, accessToken, refreshToken } = tokens;
  return answerJson(200, { id_token: idToken, access_token: accessToken, refresh_token: refreshToken });
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
