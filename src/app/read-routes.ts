// The way to the provider, from flags and the environment.
import { parseProxyUrl, parseResolve, readProxyEnvironment, type UpstreamRoutes } from '../proxy/index.ts';

export interface RouteOptions {
  readonly resolve: readonly string[];
  readonly upstreamProxy?: string | undefined;
  readonly environment: Readonly<Record<string, string | undefined>>;
}

/** Throws `E_RESOLVE_INVALID`, `E_UPSTREAM_PROXY_INVALID`. */
export function readRoutes(options: RouteOptions): UpstreamRoutes {
  const resolve = options.resolve.map(parseResolve);
  if (options.upstreamProxy !== undefined) {
    return {
      resolve,
      ...readProxyEnvironment({ NO_PROXY: options.environment['NO_PROXY'] ?? options.environment['no_proxy'] }),
      proxy: parseProxyUrl(options.upstreamProxy, '--upstream-proxy'),
    };
  }
  return { resolve, ...readProxyEnvironment(options.environment) };
}
