// Which header fields and query parameters carry credentials, and how to mask the secret part of one and leave the rest readable.

/** How one header field is treated. */
export type HeaderKind = 'credentials' | 'cookie' | 'set-cookie' | 'secret' | 'url' | 'plain';

const secretNames: ReadonlySet<string> = new Set([
  'x-api-key',
  'api-key',
  'apikey',
  'x-goog-api-key',
  'x-functions-key',
  'ocp-apim-subscription-key',
  'x-access-key',
  'x-auth',
]);
const secretName = /token|secret|api[-_]?key|passw(or)?d|passphrase|credential/;
/** Names that hold such a word and no secret: ids, the WebSocket handshake, limits and counts of tokens. */
const plainName =
  /^x-codex-|^sec-websocket-|^access-control-|tokens|rate-?limit|[-_](limit|remaining|reset|count|usage)$/;
const urlNames: ReadonlySet<string> = new Set(['location', 'content-location', 'referer', 'link', 'refresh']);

export function headerKind(name: string): HeaderKind {
  const lower = name.toLowerCase();
  if (lower === 'cookie' || lower === 'cookie2') return 'cookie';
  if (lower === 'set-cookie' || lower === 'set-cookie2') return 'set-cookie';
  if (secretNames.has(lower)) return 'secret';
  if (plainName.test(lower)) return 'plain';
  if (lower.endsWith('authorization')) return 'credentials';
  if (secretName.test(lower)) return 'secret';
  return urlNames.has(lower) ? 'url' : 'plain';
}

/** `Bearer abc` → its scheme and the rest; a value of one word has no scheme. */
export function splitCredentials(value: string): { readonly scheme: string | null; readonly rest: string } {
  const match = /^\s*([A-Za-z][A-Za-z0-9_-]*)\s+(\S[\s\S]*)$/.exec(value);
  return match === null
    ? { scheme: null, rest: value.trim() }
    : { scheme: match[1] ?? '', rest: (match[2] ?? '').trim() };
}

/** The same for fields such as `x-api-key`, where a first word is a scheme only if it is known as one. */
export function splitKnownScheme(value: string): { readonly scheme: string | null; readonly rest: string } {
  const split = splitCredentials(value);
  return /^(bearer|basic|token|apikey)$/i.test(split.scheme ?? '') ? split : { scheme: null, rest: value.trim() };
}

/** The user and password of a Basic credential; null where it is not base64 of `user:password`. */
export function readBasic(encoded: string): { readonly pair: string; readonly password: string } | null {
  const pair = Buffer.from(encoded, 'base64').toString('utf8');
  const colon = pair.indexOf(':');
  return colon === -1 || pair.includes('\ufffd') ? null : { pair, password: pair.slice(colon + 1) };
}

/** The values in `a=1; b=2`. */
export function cookieValues(header: string): string[] {
  return header.split(';').map((pair) => pairValue(pair));
}

/** Replaces each cookie's value, keeping names, order and spacing. In Set-Cookie only the first pair is the cookie. */
export function replaceCookieValues(
  header: string,
  isSetCookie: boolean,
  replace: (value: string, written: string) => string,
): string {
  return header
    .split(';')
    .map((pair, index) => {
      const value = pairValue(pair);
      if (value === '' || (isSetCookie && index > 0)) return pair;
      const equals = pair.indexOf('=');
      // A pair with no name is a value.
      if (equals === -1) return isSetCookie || !/^[\w-]{1,16}$/.test(value) ? replace(value, pair) : pair;
      return `${pair.slice(0, equals + 1)}${replace(value, pair.slice(equals + 1))}`;
    })
    .join(';');
}

function pairValue(pair: string): string {
  return pair
    .slice(pair.indexOf('=') + 1)
    .trim()
    .replace(/^"(.*)"$/, '$1');
}

const secretParameters =
  /^(access_?token|refresh_?token|id_?token|auth_?token|session_?token|token|x?-?api[-_]?key|key|code|code_verifier|client_secret|client_assertion|assertion|secret|password|passwd|pwd|sig|signature|x-amz-(signature|credential|security-token)|x-goog-(signature|credential)|jwt|ticket|auth)$/i;

/** Is this query parameter's value a credential? */
export function isSecretParameter(name: string): boolean {
  return secretParameters.test(name);
}

/** Is it one even where it is made of plain words? `code` and `key` are also names of harmless parameters. */
export function isCredentialParameter(name: string): boolean {
  return /token|secret|passw|pwd|assertion|api/i.test(name) && isSecretParameter(name);
}
