// What a root's certificate says of itself, and the names that it goes by in trust stores. Pure.
import { X509Certificate } from 'node:crypto';

import { readPermittedDomains } from './name-constraints.ts';

/** A root without its key. */
export interface RootCertificate {
  /** One PEM block, with a newline at its end. */
  readonly certificatePem: string;
  /** SHA-256 of the certificate, lower-case hexadecimal. */
  readonly fingerprint: string;
  /** SHA-1 of the certificate, upper-case hexadecimal: what Windows and macOS call it by. */
  readonly thumbprint: string;
  /** What it is called in every trust store: file name, nickname, alias. Carries the fingerprint. */
  readonly name: string;
  readonly commonName: string;
  readonly startsAt: Date;
  readonly expiresAt: Date;
  /** Domains (with all their subdomains) that certificates below this root may name. */
  readonly permittedDomains: readonly string[];
}

const namePrefix = 'tapes-local-root-';
/** How the common name of every root of tapes begins, in whatever home it was made. */
export const commonNamePrefix = 'tapes local root ';

/** Reads a certificate in PEM. Throws what Node throws where it is none. */
export function describeCertificate(pem: string): RootCertificate {
  const certificate = new X509Certificate(pem);
  const fingerprint = certificate.fingerprint256.replaceAll(':', '').toLowerCase();
  return {
    certificatePem: `${certificate.toString().trim()}\n`,
    fingerprint,
    thumbprint: certificate.fingerprint.replaceAll(':', ''),
    name: `${namePrefix}${fingerprint.slice(0, 16)}`,
    commonName: /^CN=(.*)$/m.exec(certificate.subject)?.[1] ?? '',
    startsAt: new Date(certificate.validFrom),
    expiresAt: new Date(certificate.validTo),
    permittedDomains: readPermittedDomains(certificate.raw),
  };
}

const pemBlock = /-----BEGIN CERTIFICATE-----[\s\S]+?-----END CERTIFICATE-----/g;

/** The PEM blocks of a text, each on its own. */
export const splitPem = (text: string): readonly string[] => text.match(pemBlock) ?? [];

/** Is this certificate a root of tapes, of this home or of another? What is no certificate is none. */
export function isLocalRoot(pem: string): boolean {
  try {
    const { subject } = new X509Certificate(pem);
    return /^O=tapes$/m.test(subject) && subject.includes(`CN=${commonNamePrefix}`);
  } catch {
    return false;
  }
}

/** Is `host` one of `domains`, or below one of them? */
export function permits(domains: readonly string[], host: string): boolean {
  const name = host.toLowerCase();
  return domains.some((domain) => name === domain || name.endsWith(`.${domain}`));
}
