// What is trusted upstream: Node's own list of roots, and others besides.
import tls, { type SecureContext, type SecureContextOptions } from 'node:tls';

/**
 * Trusts `extraRoots` (PEM) besides Node's own list. Given as one list in `ca` they are parsed anew, 24 ms for each context; Node's own list is parsed
 * once in a process, and others are added to it in the way of `ca` itself (docs/discoveries/start-up.md).
 */
export function contextTrusting(extraRoots: readonly string[], options: SecureContextOptions): SecureContext {
  if (extraRoots.length === 0) return tls.createSecureContext(options);
  const hasOwnList =
    (process.env['NODE_EXTRA_CA_CERTS'] ?? '') === '' &&
    !/-ca\b/.test(`${process.env['NODE_OPTIONS'] ?? ''} ${process.execArgv.join(' ')}`);
  const context = hasOwnList ? tls.createSecureContext(options) : null;
  const { addCACert } = (context?.context ?? {}) as { readonly addCACert?: (pem: string) => void };
  if (context === null || addCACert === undefined) {
    // What NODE_EXTRA_CA_CERTS names may be a root of tapes, which is left out of `extraRoots`, and is in Node's list.
    return tls.createSecureContext({ ...options, ca: [...tls.rootCertificates, ...extraRoots] });
  }
  for (const pem of extraRoots) addCACert.call(context.context, pem);
  return context;
}
