// Which roots the provider's certificate may chain to: what the agent itself would trust. Node alone knows only its built-in list, so
// a company's root in the system's store would be refused by tapes and accepted by the agent.
import { readFile } from 'node:fs/promises';
import * as tls from 'node:tls';

import { readCertificates } from '../ca/index.ts';

// Where distributions keep the one file with all roots: Debian and Arch, Fedora, openSUSE, Alpine.
const systemBundles = [
  '/etc/ssl/certs/ca-certificates.crt',
  '/etc/pki/tls/certs/ca-bundle.crt',
  '/etc/ssl/ca-bundle.pem',
  '/etc/ssl/cert.pem',
];
const pemBlock = /-----BEGIN CERTIFICATE-----[\s\S]+?-----END CERTIFICATE-----/g;

/** PEM certificates to trust besides Node's own list: the system's, and those in `files`. Throws `E_UPSTREAM_CA_INVALID`. */
export async function readUpstreamRoots(
  files: readonly { readonly file: string; readonly source: string }[],
  environment: Readonly<Record<string, string | undefined>>,
): Promise<string[]> {
  const builtIn = new Set(tls.rootCertificates.map((pem) => pem.replaceAll(/\s/g, '')));
  const roots = new Map<string, string>();
  const add = (pem: string): void => {
    const key = pem.replaceAll(/\s/g, '');
    if (!builtIn.has(key)) roots.set(key, pem);
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
    for (const pem of text.match(pemBlock) ?? []) add(pem);
  }
  for (const pem of systemStore()) add(pem);
  for (const { file, source } of files) for (const pem of await readCertificates(file, source)) add(pem);
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
