// Roots and leaf certificates for servers that only tests talk to. tapes itself makes its certificates in src/ca/.
// A leaf has a P-256 key, as the real provider's has: made in a blink, and cheap in every handshake.
import { createPublicKey, generateKeyPairSync, randomBytes, sign } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { isIP } from 'node:net';
import { join } from 'node:path';
import forge from 'node-forge';

export interface Root {
  readonly certificatePem: string;
  readonly keyPem: string;
}

export interface Leaf {
  readonly cert: string;
  readonly key: string;
}

const folder = join(import.meta.dirname, '..', '..', 'certs');
/** The committed root that no machine should ever trust; see certs/README.md. */
export const testRootFile = join(folder, 'TEST-ONLY-stand-in-root.pem');
export const testRootKeyFile = join(folder, 'TEST-ONLY-stand-in-root.key.pem');

export function readTestRoot(): Root {
  return { certificatePem: readFileSync(testRootFile, 'utf8'), keyPem: readFileSync(testRootKeyFile, 'utf8') };
}

export function makeRoot(commonName: string, notBefore: Date, notAfter: Date): Root {
  const keys = generateKeyPairSync('rsa', {
    modulusLength: 2048,
    publicKeyEncoding: { type: 'spki', format: 'pem' },
    privateKeyEncoding: { type: 'pkcs8', format: 'pem' },
  });
  const certificate = newCertificate(notBefore, notAfter);
  certificate.publicKey = forge.pki.publicKeyFromPem(keys.publicKey);
  const name = [{ name: 'commonName', value: commonName }];
  certificate.setSubject(name);
  certificate.setIssuer(name);
  certificate.setExtensions([
    { name: 'basicConstraints', cA: true, critical: true },
    { name: 'keyUsage', keyCertSign: true, cRLSign: true, critical: true },
    { name: 'subjectKeyIdentifier' },
  ]);
  certificate.sign(forge.pki.privateKeyFromPem(keys.privateKey), forge.md.sha256.create());
  return { certificatePem: forge.pki.certificateToPem(certificate).replaceAll('\r', ''), keyPem: keys.privateKey };
}

/** A server certificate for these host names and IP addresses, signed by the root. */
export function makeLeaf(
  root: Root,
  names: readonly [string, ...string[]],
  { notAfter }: { readonly notAfter?: Date } = {},
): Leaf {
  const issuer = forge.pki.certificateFromPem(root.certificatePem);
  // 825 days: the longest that Apple's verifier takes.
  const day = 86_400_000;
  const certificate = newCertificate(new Date(Date.now() - 2 * day), notAfter ?? new Date(Date.now() + 823 * day));
  certificate.setSubject([{ name: 'commonName', value: names[0].slice(0, 64) }]);
  certificate.setIssuer(issuer.subject.attributes);
  certificate.setExtensions([
    { name: 'basicConstraints', cA: false, critical: true },
    { name: 'keyUsage', digitalSignature: true, critical: true },
    { name: 'extKeyUsage', serverAuth: true },
    { name: 'authorityKeyIdentifier', keyIdentifier: issuer.generateSubjectKeyIdentifier().getBytes() },
    {
      name: 'subjectAltName',
      altNames: names.map((name) => (isIP(name) ? { type: 7, ip: name } : { type: 2, value: name })),
    },
  ]);
  const keys = generateKeyPairSync('ec', {
    namedCurve: 'prime256v1',
    publicKeyEncoding: { type: 'spki', format: 'der' },
    privateKeyEncoding: { type: 'pkcs8', format: 'pem' },
  });
  return { cert: signWithKey(certificate, keys.publicKey, root), key: keys.privateKey };
}

/** node-forge knows no elliptic curves: the root's RSA key holds the place of the leaf's, and node:crypto signs. */
function signWithKey(certificate: forge.pki.Certificate, publicKeyDer: Buffer, root: Root): string {
  const algorithm = forge.pki.oids['sha256WithRSAEncryption'] ?? '';
  certificate.siginfo.algorithmOid = algorithm;
  certificate.signatureOid = algorithm;
  const rootKey = createPublicKey(root.certificatePem).export({ type: 'spki', format: 'pem' });
  certificate.publicKey = forge.pki.publicKeyFromPem(rootKey.toString());
  const { asn1 } = forge;
  const whole = forge.pki.certificateToAsn1(certificate);
  const [signed, algorithmOfSignature] = whole.value as [forge.asn1.Asn1, forge.asn1.Asn1];
  // Version, serial number, algorithm, issuer, validity, subject, and then the public key.
  (signed.value as forge.asn1.Asn1[])[6] = asn1.fromDer(publicKeyDer.toString('binary'));
  const signature = sign('sha256', Buffer.from(asn1.toDer(signed).getBytes(), 'binary'), root.keyPem);
  const bits = `\0${signature.toString('binary')}`;
  whole.value = [signed, algorithmOfSignature, asn1.create(asn1.Class.UNIVERSAL, asn1.Type.BITSTRING, false, bits)];
  const base64 = Buffer.from(asn1.toDer(whole).getBytes(), 'binary').toString('base64');
  return `-----BEGIN CERTIFICATE-----\n${base64.replaceAll(/.{1,64}/g, '$&\n')}-----END CERTIFICATE-----\n`;
}

function newCertificate(notBefore: Date, notAfter: Date): forge.pki.Certificate {
  const certificate = forge.pki.createCertificate();
  // A serial number is positive: the leading byte keeps its sign bit clear.
  certificate.serialNumber = `01${randomBytes(15).toString('hex')}`;
  certificate.validity.notBefore = notBefore;
  certificate.validity.notAfter = notAfter;
  return certificate;
}
