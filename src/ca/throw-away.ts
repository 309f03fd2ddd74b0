// Certificates that live in memory alone: for one check, or for one run. Behind functions, so that node-forge is loaded only where one is made.
import { describeCertificate } from './root-certificate.ts';
import type { Root } from './root.ts';

/** A root that is kept nowhere. `certificateFile` is where its certificate (never its key) is, or will be, if anywhere. */
export async function makeThrowAwayRoot(
  domains: readonly string[],
  { certificateFile = '', now = new Date() }: { certificateFile?: string; now?: Date } = {},
): Promise<Root> {
  const { makeRoot } = await import('./make-root.ts');
  const { certificatePem, keyPem } = await makeRoot({ domains, now });
  return { ...describeCertificate(certificatePem), keyPem, certificateFile, isNew: true };
}

/** Key and certificate of a server for `host`, in PEM. */
export async function makeThrowAwayServer(host: string): Promise<{ certificatePem: string; keyPem: string }> {
  const { makeSelfSigned } = await import('./self-signed.ts');
  return makeSelfSigned(host);
}
