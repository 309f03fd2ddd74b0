// Makes a root certificate: RSA 3072, two years at most, critical name constraints, allowed to sign server certificates and nothing else.
import { createHash, createPublicKey, generateKeyPair } from 'node:crypto';
import { hostname, userInfo } from 'node:os';
import { promisify } from 'node:util';

import forge from 'node-forge';

import { certificateSerialNumber } from '../domain/index.ts';
import { encodeNameConstraints, nameConstraintsOid } from './name-constraints.ts';
import { commonNamePrefix } from './root-certificate.ts';

export interface MadeRoot {
  readonly certificatePem: string;
  readonly keyPem: string;
  readonly expiresAt: Date;
}

const hourMs = 3_600_000;
const dayMs = 24 * hourMs;
const lifetimeDays = 730;

/** A self-signed root for `domains` and their subdomains, valid from an hour before `now` (clocks differ). Keys are made natively, off the main thread. */
export async function makeRoot({ domains, now }: { domains: readonly string[]; now: Date }): Promise<MadeRoot> {
  const keys = await promisify(generateKeyPair)('rsa', {
    modulusLength: 3072,
    publicKeyEncoding: { type: 'spki', format: 'pem' },
    privateKeyEncoding: { type: 'pkcs8', format: 'pem' },
  });
  const certificate = forge.pki.createCertificate();
  certificate.publicKey = forge.pki.publicKeyFromPem(keys.publicKey);
  certificate.serialNumber = certificateSerialNumber().toString('hex');
  certificate.validity.notBefore = new Date(now.getTime() - hourMs);
  certificate.validity.notAfter = new Date(now.getTime() - hourMs + lifetimeDays * dayMs);
  // Each root has a name of its own: verifiers look an issuer up by name (OpenSSL, GnuTLS), and NSS gives one nickname to all of a name.
  const name = [
    ['O', 'tapes'],
    ['OU', `${user()}@${hostname()}`.slice(0, 64)],
    ['CN', `${commonNamePrefix}${keyId(keys.publicKey)}`],
  ].map(([shortName, value]) => ({ shortName: shortName!, value: value!, valueTagClass: utf8 }));
  certificate.setSubject(name);
  certificate.setIssuer(name);
  certificate.setExtensions([
    { name: 'basicConstraints', critical: true, cA: true, pathLenConstraint: 0 },
    { name: 'keyUsage', critical: true, keyCertSign: true, cRLSign: true },
    { name: 'extKeyUsage', serverAuth: true },
    { id: nameConstraintsOid, critical: true, value: encodeNameConstraints(domains).toString('binary') },
    { name: 'subjectKeyIdentifier' },
  ]);
  certificate.sign(forge.pki.privateKeyFromPem(keys.privateKey), forge.md.sha256.create());
  return {
    certificatePem: forge.pki.certificateToPem(certificate).replaceAll('\r\n', '\n'),
    keyPem: keys.privateKey,
    expiresAt: certificate.validity.notAfter,
  };
}

// A PrintableString (forge's default) may hold no @, and Go refuses a root where one does. The types of forge take a class for a tag.
const utf8 = forge.asn1.Type.UTF8 as unknown as forge.asn1.Class;

/** The beginning of the public key's SHA-256. */
function keyId(publicKeyPem: string): string {
  const der = createPublicKey(publicKeyPem).export({ type: 'spki', format: 'der' });
  return createHash('sha256').update(der).digest('hex').slice(0, 8);
}

function user(): string {
  try {
    return userInfo().username;
  } catch {
    return 'user'; // a uid without a passwd entry, as containers have
  }
}
