// Credentials of a ChatGPT login that nobody ever had: Codex reads the claims and checks no signature.
// Each holds random text of its own, so that what was sent can be told, and what tapes keeps can be searched for it.
import { randomBytes } from 'node:crypto';

export interface Tokens {
  readonly accessToken: string;
  readonly refreshToken: string;
  readonly idToken: string;
  readonly accountId: string;
}

export function makeTokens(options: { readonly accountId?: string; readonly expiresInMs?: number } = {}): Tokens {
  const { accountId = `acc-${randomText()}`, expiresInMs = 10 * 86_400_000 } = options;
  return {
    accessToken: makeJwt(accountId, expiresInMs),
    idToken: makeJwt(accountId, expiresInMs),
    // The account at the end tells a provider for whom to make new tokens: a refresh request says nothing else.
    refreshToken: `rt-${randomText()}${randomText()}.${accountId}`,
    accountId,
  };
}

function makeJwt(accountId: string, expiresInMs: number): string {
  const now = Math.floor(Date.now() / 1000);
  const claims = {
    email: 'dev@example.test',
    iat: now,
    exp: now + Math.floor(expiresInMs / 1000),
    jti: randomText(),
    'https://api.openai.com/auth': {
      chatgpt_account_id: accountId,
      chatgpt_plan_type: 'plus',
      chatgpt_user_id: 'user-made-up',
      user_id: 'user-made-up',
    },
  };
  return [base64url({ alg: 'RS256', typ: 'JWT' }), base64url(claims), randomBytes(64).toString('base64url')].join('.');
}

function base64url(json: unknown): string {
  return Buffer.from(JSON.stringify(json)).toString('base64url');
}

function randomText(): string {
  return randomBytes(12).toString('hex');
}
