// Where a connection to a provider's host:port really goes: `--resolve` rules, the user's own proxy, and NO_PROXY. Pure.
import { BlockList, isIP } from 'node:net';

import { matchesHost } from '../domain/index.ts';
import { TapesError } from '../errors.ts';
import { parseProxyUrl, type UpstreamProxy } from './upstream-proxy.ts';

/** One `--resolve HOST:PORT:ADDRESS[:PORT]`. */
export interface ResolveRule {
  readonly host: string;
  readonly port: number;
  readonly toAddress: string;
  readonly toPort: number;
}

export interface UpstreamRoutes {
  readonly resolve: readonly ResolveRule[];
  readonly proxy: UpstreamProxy | null;
  /** As curl reads NO_PROXY: comma-separated names, each also covering its subdomains, and networks (`10.0.0.0/8`); `*` covers all. */
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
  const network = /^([\d.]+|\[?[\da-f:.]+\]?)\/(\d{1,3})$/i.exec(entry);
  if (network !== null) return coversAddress(unbracket(network[1]!), Number(network[2]), host);
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

function coversAddress(address: string, prefix: number, host: string): boolean {
  const family = isIP(address);
  if (family === 0 || isIP(host) !== family || prefix > (family === 4 ? 32 : 128)) return false;
  const type = family === 4 ? 'ipv4' : 'ipv6';
  const network = new BlockList();
  network.addSubnet(address, prefix, type);
  return network.check(host, type);
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
