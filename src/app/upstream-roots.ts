// Which roots the provider's certificate may chain to: what the agent itself would trust. Node alone knows only its built-in list, so
// a company's root in the system's store would be refused by tapes and accepted by the agent. Roots of tapes itself, which a store may trust for
// the agent's sake, are none of the provider's: whoever has the key of one could stand between tapes and the provider.
import { readFile } from 'node:fs/promises';
import * as tls from 'node:tls';

import { isLocalRoot, readCertificates, splitPem } from '../ca/index.ts';

// Where distributions keep the one file with all roots: Debian and Arch, Fedora, openSUSE, Alpine.
const systemBundles = [
  '/etc/ssl/certs/ca-certificates.crt',
  '/etc/pki/tls/certs/ca-bundle.crt',
  '/etc/ssl/ca-bundle.pem',
  '/etc/ssl/cert.pem',
];

/**
 * PEM certificates to trust besides Node's own list: the system's, and those in `files`. Roots of tapes are left out, but where one is named
 * with a proxy on the way, which may be another tapes, or by `--upstream-ca`. Throws `E_UPSTREAM_CA_INVALID`.
 */
export async function readUpstreamRoots(
  files: readonly { readonly file: string; readonly source: string }[],
  environment: Readonly<Record<string, string | undefined>>,
  { isProxied }: { readonly isProxied: boolean },
): Promise<string[]> {
  const builtIn = new Set(tls.rootCertificates.map((pem) => pem.replaceAll(/\s/g, '')));
  const roots = new Map<string, string>();
  const add = (pem: string, mayBeOurs = false): void => {
    const key = pem.replaceAll(/\s/g, '');
    if (!builtIn.has(key) && (mayBeOurs || !isLocalRoot(pem))) roots.set(key, pem);
  };
  const bundles = [
    environment['SSL_CERT_FILE'],
    environment['NODE_EXTRA_CA_CERTS'],
    await firstReadable(systemBundles),
  ];
  for (const bundle of bundles) {
    if (!bundle) continue;
    // What the user's system offers is taken as it is; only what was named to tapes must be right.
    const text = await readFile(bundle, 'utf8').catch(() => '');
    for (const pem of splitPem(text)) add(pem);
  }
  for (const pem of systemStore()) add(pem);
  for (const { file, source } of files) {
    const mayBeOurs = isProxied || source === '--upstream-ca';
    for (const pem of await readCertificates(file, source)) add(pem, mayBeOurs);
  }
  return [...roots.values()];
}

/** The store of macOS and Windows, where this Node can read it (22.15, 23.10 and later). */
function systemStore(): readonly string[] {
  const { getCACertificates } = tls as { getCACertificates?: (type: string) => string[] };
  if (process.platform === 'linux' || getCACertificates === undefined) return [];
  return getCACertificates('system');
}

async function firstReadable(files: readonly string[]): Promise<string | null> {
  for (const file of files) {
    if (
      await readFile(file).then(
        () => true,
        () => false,
      )
    )
      return file;
  }
  return null;
}
