// Where a connection to a provider's host:port really goes: `--resolve` rules, the user's own proxy, and NO_PROXY. Pure.
import { matchesHost } from '../domain/index.ts';
import { TapesError } from '../errors.ts';

/** One `--resolve HOST:PORT:ADDRESS[:PORT]`. */
export interface ResolveRule {
  readonly host: string;
  readonly port: number;
  readonly toAddress: string;
  readonly toPort: number;
}

export interface UpstreamProxy {
  readonly scheme: 'http' | 'https';
  readonly host: string;
  readonly port: number;
  /** The value of `Proxy-Authorization`, or null. */
  readonly authorization: string | null;
}

export interface UpstreamRoutes {
  readonly resolve: readonly ResolveRule[];
  readonly proxy: UpstreamProxy | null;
  /** As curl reads NO_PROXY: comma-separated names, each also covering its subdomains; `*` covers all. */
  readonly noProxy: string;
}

export type Route =
  | { readonly type: 'direct'; readonly address: string; readonly port: number }
  | { readonly type: 'proxy'; readonly proxy: UpstreamProxy };

/** The way to `host:port`. A `--resolve` rule wins over the proxy: it names the very place. */
export function findRoute(routes: UpstreamRoutes, host: string, port: number): Route {
  const rule = routes.resolve.find(
    (candidate) => candidate.port === port && (candidate.host === host || candidate.host === '*'),
  );
  if (rule !== undefined) return { type: 'direct', address: rule.toAddress, port: rule.toPort };
  if (routes.proxy !== null && !isExcluded(routes.noProxy, host, port)) return { type: 'proxy', proxy: routes.proxy };
  return { type: 'direct', address: host, port };
}

/** Does one of the entries of a NO_PROXY list cover `host:port`? */
export function isExcluded(noProxy: string, host: string, port: number): boolean {
  return splitNoProxy(noProxy).some((entry) => coversHost(entry, host, port));
}

/** The list without the entries that would hide one of `hosts` (names and globs, port 443) from a proxy. */
export function withoutEntriesFor(noProxy: string, hosts: readonly string[]): string {
  return splitNoProxy(noProxy)
    .filter((entry) => !hosts.some((host) => coversHost(entry, host, 443) || matchesHost(host, entry.toLowerCase())))
    .join(',');
}

const splitNoProxy = (noProxy: string): string[] => noProxy.split(/[\s,]+/).filter((entry) => entry !== '');

function coversHost(entry: string, host: string, port: number): boolean {
  if (entry === '*') return true;
  const withPort = /^(.+):(\d+)$/.exec(entry);
  if (withPort !== null && !withPort[1]!.includes(':')) {
    return Number(withPort[2]) === port && coversHost(withPort[1]!, host, port);
  }
  const name = entry
    .replace(/^\*?\./, '')
    .replace(/^\[|\]$/g, '')
    .toLowerCase();
  return host === name || host.endsWith(`.${name}`);
}

/** Reads one `--resolve` value. Throws `E_RESOLVE_INVALID`. */
export function parseResolve(value: string): ResolveRule {
  const match = /^(\*|\[[^\]]+\]|[^:]+):(\d+):(\[[^\]]+\]|[^:[\]]+)(?::(\d+))?$/.exec(value);
  const port = Number(match?.[2]);
  const toPort = match?.[4] === undefined ? port : Number(match[4]);
  const isPort = (number: number): boolean => Number.isInteger(number) && number >= 1 && number <= 65_535;
  if (match === null || !isPort(port) || !isPort(toPort)) {
    throw new TapesError('E_RESOLVE_INVALID', `--resolve ${value} is not HOST:PORT:ADDRESS[:PORT]`, {
      hint: 'write it as curl does: --resolve chatgpt.com:443:127.0.0.1:8443',
    });
  }
  return { host: unbracket(match[1]!).toLowerCase(), port, toAddress: unbracket(match[3]!), toPort };
}

const unbracket = (text: string): string => text.replace(/^\[|\]$/g, '');

/** Reads a proxy URL from `source` (a flag or a variable). Throws `E_UPSTREAM_PROXY_INVALID`. */
export function parseProxyUrl(value: string, source: string): UpstreamProxy {
  // curl and Codex accept `host:port` without a scheme.
  const text = value.includes('://') ? value : `http://${value}`;
  const url = URL.canParse(text) ? new URL(text) : null;
  if (url === null || (url.protocol !== 'http:' && url.protocol !== 'https:') || url.hostname === '') {
    // The value may hold a password: name its source, not its text.
    throw new TapesError(
      'E_UPSTREAM_PROXY_INVALID',
      `the upstream proxy in ${source} is not an http:// or https:// URL`,
      {
        hint: 'name one that tapes can use: --upstream-proxy http://proxy.example:3128',
      },
    );
  }
  const scheme = url.protocol === 'http:' ? 'http' : 'https';
  const port = url.port === '' ? (scheme === 'http' ? 80 : 443) : Number(url.port);
  const userinfo = `${decodeURIComponent(url.username)}:${decodeURIComponent(url.password)}`;
  return {
    scheme,
    host: unbracket(url.hostname),
    port,
    authorization: userinfo === ':' ? null : `Basic ${Buffer.from(userinfo).toString('base64')}`,
  };
}

/** The proxy that this environment would have used for HTTPS, and its exceptions. Throws `E_UPSTREAM_PROXY_INVALID`. */
export function readProxyEnvironment(
  environment: Readonly<Record<string, string | undefined>>,
): Pick<UpstreamRoutes, 'proxy' | 'noProxy'> {
  const noProxy = environment['no_proxy'] || environment['NO_PROXY'] || '';
  for (const name of ['https_proxy', 'HTTPS_PROXY', 'all_proxy', 'ALL_PROXY']) {
    const value = environment[name];
    if (value) return { proxy: parseProxyUrl(value, name), noProxy };
  }
  return { proxy: null, noProxy };
}
