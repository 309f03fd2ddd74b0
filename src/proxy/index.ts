// The door of proxy/: the interceptor, and how its way upstream is read from flags and environment.
export { makeProxyPassword, openInterceptor, proxyUrlOf } from './interceptor.ts';
export type { Interceptor, InterceptorOptions } from './interceptor.ts';
export { quietEngine } from './quiet-engine.ts';
export { isExcluded, parseProxyUrl, parseResolve, readProxyEnvironment, withoutEntriesFor } from './upstream-route.ts';
export type { ResolveRule, UpstreamProxy, UpstreamRoutes } from './upstream-route.ts';
export type { TlsTap } from './tls-tap.ts';
