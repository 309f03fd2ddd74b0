// The user's own proxy on the way to providers, as a URL names it. Pure.
import { TapesError } from '../errors.ts';

export type UpstreamProxy =
  | {
      readonly scheme: 'http' | 'https';
      readonly host: string;
      readonly port: number;
      /** The value of `Proxy-Authorization`, or null. */
      readonly authorization: string | null;
    }
  | {
      readonly scheme: 'socks5';
      readonly host: string;
      readonly port: number;
      readonly credentials: { readonly username: string; readonly password: string } | null;
      /** Who resolves the host's name: tapes (`socks5://`), or the proxy (`socks5h://`). */
      readonly resolves: 'tapes' | 'proxy';
    };

const schemes: Readonly<Record<string, { readonly scheme: UpstreamProxy['scheme']; readonly port: number }>> = {
  'http:': { scheme: 'http', port: 80 },
  'https:': { scheme: 'https', port: 443 },
  'socks5:': { scheme: 'socks5', port: 1080 },
  'socks5h:': { scheme: 'socks5', port: 1080 },
};

/** Reads a proxy URL from `source` (a flag or a variable). Throws `E_UPSTREAM_PROXY_INVALID`. */
export function parseProxyUrl(value: string, source: string): UpstreamProxy {
  // curl and Codex accept `host:port` without a scheme.
  const text = value.includes('://') ? value : `http://${value}`;
  const url = URL.canParse(text) ? new URL(text) : null;
  const known = url === null ? undefined : schemes[url.protocol];
  const [username, password] = [decode(url?.username ?? ''), decode(url?.password ?? '')];
  if (url === null || known === undefined || url.hostname === '' || username === null || password === null) {
    // The value may hold a password: name its source, not its text.
    throw new TapesError(
      'E_UPSTREAM_PROXY_INVALID',
      `the upstream proxy in ${source} is not an http://, https://, socks5:// or socks5h:// URL`,
      { hint: 'name one that tapes can use: --upstream-proxy http://proxy.example:3128' },
    );
  }
  const host = url.hostname.replace(/^\[|\]$/g, '');
  const port = url.port === '' ? known.port : Number(url.port);
  const isAnonymous = username === '' && password === '';
  if (known.scheme === 'socks5') {
    const resolves = url.protocol === 'socks5h:' ? 'proxy' : 'tapes';
    return { scheme: 'socks5', host, port, credentials: isAnonymous ? null : { username, password }, resolves };
  }
  const basic = `Basic ${Buffer.from(`${username}:${password}`).toString('base64')}`;
  return { scheme: known.scheme, host, port, authorization: isAnonymous ? null : basic };
}

function decode(text: string): string | null {
  try {
    return decodeURIComponent(text);
  } catch {
    return null;
  }
}
