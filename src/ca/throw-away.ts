// Certificates that live as long as one check. Behind functions, so that node-forge is loaded only where one is made.
import type { Root } from './root.ts';

/** A root that is kept nowhere. */
export async function makeThrowAwayRoot(domains: readonly string[]): Promise<Root> {
  const { makeRoot } = await import('./make-root.ts');
  const made = await makeRoot({ domains, now: new Date() });
  return { ...made, certificateFile: '', permittedDomains: domains, isNew: true };
}

/** Key and certificate of a server for `host`, in PEM. */
export async function makeThrowAwayServer(host: string): Promise<{ certificatePem: string; keyPem: string }> {
  const { makeSelfSigned } = await import('./self-signed.ts');
  return makeSelfSigned(host);
}
