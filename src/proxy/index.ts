// The door of proxy/: the interceptor, and how its way upstream is read from flags and environment.
export { makeProxyPassword, openInterceptor, proxyUrlOf } from './interceptor.ts';
export type { Interceptor, InterceptorOptions } from './interceptor.ts';
export { quietEngine } from './quiet-engine.ts';
export { parseProxyUrl } from './upstream-proxy.ts';
export type { UpstreamProxy } from './upstream-proxy.ts';
export { isExcluded, parseResolve, readProxyEnvironment, withoutEntriesFor } from './upstream-route.ts';
export type { ResolveRule, UpstreamRoutes } from './upstream-route.ts';
export type { TlsTap } from './tls-tap.ts';
