// Every field of a leaf, as OpenSSL and Node read it.
import { execFileSync, spawnSync } from 'node:child_process';
import { createPublicKey, X509Certificate } from 'node:crypto';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';

import { readTestRoot } from '../../test/support/certificates.ts';
import { LeafCertificates } from './leaf-certificates.ts';

const now = new Date();
let folder: string;
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'tapes-leaf-'));
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const openssl = (...args: string[]): string =>
  execFileSync('openssl', args, { encoding: 'utf8', stdio: ['ignore', 'pipe', 'ignore'] });

const leafOf = (
  host: string,
  at = now,
  { certificatePem, keyPem } = readTestRoot(),
): ReturnType<LeafCertificates['generateCertificate']> =>
  new LeafCertificates(certificatePem, keyPem).generateCertificate(host, at);

/** What OpenSSL says of it as the certificate of a server with that name. */
function verify(cert: string, host: string, rootPem = readTestRoot().certificatePem): string {
  const [leafFile, rootFile] = [join(folder, 'leaf.pem'), join(folder, 'root.pem')];
  writeFileSync(leafFile, cert);
  writeFileSync(rootFile, rootPem);
  const options = ['-x509_strict', '-purpose', 'sslserver', '-verify_hostname', host, '-CAfile', rootFile];
  const { stdout, stderr } = spawnSync('openssl', ['verify', ...options, leafFile], { encoding: 'utf8' });
  return `${stdout}${stderr}`;
}

describe('a leaf certificate', () => {
  it('is a server certificate of that host below the root, and nothing else', async () => {
    const { cert, ca } = await leafOf('chatgpt.com');
    expect(ca).toBe(readTestRoot().certificatePem);
    expect(verify(cert, 'chatgpt.com')).toMatch(/: OK\n$/);
    expect(verify(cert, 'auth.openai.com')).toContain('hostname mismatch');
    const text = openssl('x509', '-in', join(folder, 'leaf.pem'), '-noout', '-text');
    expect(text).toContain('Version: 3');
    expect(text).toMatch(/Basic Constraints: critical\s+CA:FALSE/);
    expect(text).toMatch(/Key Usage: critical\s+Digital Signature\n/);
    expect(text).toMatch(/Extended Key Usage: \s+TLS Web Server Authentication\n/);
    expect(text).toMatch(/Alternative Name: \s+DNS:chatgpt.com\n/);
    const rootText = openssl('x509', '-in', join(folder, 'root.pem'), '-noout', '-text');
    const keyId = /Subject Key Identifier: \s+(\S+)/.exec(rootText)![1];
    expect(text).toMatch(new RegExp(`Authority Key Identifier: \\s+(keyid:)?${keyId}`));
  });

  it('has the key that goes with it, on P-256', async () => {
    const { cert, key } = await leafOf('chatgpt.com');
    const { publicKey } = new X509Certificate(cert);
    expect(publicKey.asymmetricKeyDetails).toEqual({ namedCurve: 'prime256v1' });
    expect(createPublicKey(key).equals(publicKey)).toBe(true);
  });

  it('lasts 45 days, from a day before it was made', async () => {
    const { cert, expiresAt } = await leafOf('chatgpt.com', new Date('2026-11-30T12:34:56.789Z'));
    const { validFrom, validTo } = new X509Certificate(cert);
    expect(validFrom).toBe('Nov 29 12:34:56 2026 GMT');
    expect(validTo).toBe('Jan 13 12:34:56 2027 GMT');
    expect(expiresAt).toEqual(new Date('2027-01-13T12:34:56.789Z'));
  });

  it('writes years from 2050 on with four digits', async () => {
    const { validFrom, validTo } = new X509Certificate(
      (await leafOf('chatgpt.com', new Date('2050-01-01T12:00:00Z'))).cert,
    );
    expect([validFrom, validTo]).toEqual(['Dec 31 12:00:00 2049 GMT', 'Feb 14 12:00:00 2050 GMT']);
  });

  it('has a random serial number of 20 octets, which is positive', async () => {
    const serials = await Promise.all(
      Array.from({ length: 50 }, async () => new X509Certificate((await leafOf('chatgpt.com')).cert).serialNumber),
    );
    for (const serial of serials) expect(serial).toMatch(/^[4-7][0-9A-F]{39}$/);
    expect(new Set(serials).size).toBe(50);
  });

  it('names a host with an underscore by a wildcard, where one may', async () => {
    const { cert } = await leafOf('my_workspace.chatgpt.com');
    expect(new X509Certificate(cert).subjectAltName).toBe('DNS:*.chatgpt.com');
    expect(verify(cert, 'any.chatgpt.com')).toMatch(/: OK\n$/);
    await expect(leafOf('a_host.com')).rejects.toThrow('no certificate can name a_host.com');
    await expect(leafOf('a.b_c.chatgpt.com')).rejects.toThrow('underscore');
  });

  it('has no common name where the host is longer than one may be', async () => {
    const host = `${'a'.repeat(60)}.${'b'.repeat(60)}.chatgpt.com`;
    const { cert } = await leafOf(host);
    expect(new X509Certificate(cert).subject).toBeUndefined();
    expect(verify(cert, host)).toMatch(/: OK\n$/);
  });
});

describe('a root of another make', () => {
  const root = (...more: string[]): { certificatePem: string; keyPem: string } => {
    const [keyFile, file] = [join(folder, 'other.key'), join(folder, 'other.pem')];
    openssl(
      'req',
      '-x509',
      '-nodes',
      '-days',
      '2',
      '-subj',
      '/C=XX/O=Ünï/CN=a root',
      '-utf8',
      '-addext',
      'keyUsage=critical,keyCertSign',
      '-keyout',
      keyFile,
      '-out',
      file,
      ...more,
    );
    return { certificatePem: readFileSync(file, 'utf8'), keyPem: readFileSync(keyFile, 'utf8') };
  };
  const curve = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-384'];

  it('signs with a key on an elliptic curve', async () => {
    const made = root(...curve);
    const { cert } = await leafOf('chatgpt.com', now, made);
    expect(verify(cert, 'chatgpt.com', made.certificatePem)).toMatch(/: OK\n$/);
  });

  it('may have no key identifier: then the leaf points at none', async () => {
    const made = root(...curve, '-addext', 'subjectKeyIdentifier=none', '-addext', 'authorityKeyIdentifier=none');
    const { cert } = await leafOf('chatgpt.com', now, made);
    expect(openssl('x509', '-in', join(folder, 'other.pem'), '-noout', '-text')).not.toContain('Key Identifier');
    const leaf = new X509Certificate(cert);
    expect(leaf.checkIssued(new X509Certificate(made.certificatePem))).toBe(true);
    expect(leaf.verify(createPublicKey(made.certificatePem))).toBe(true);
  });
});
