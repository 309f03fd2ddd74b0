// Every field of the certificate, as OpenSSL reads it.
import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';

import { makeRoot } from './make-root.ts';

const now = new Date('2026-11-25T12:00:00Z');
let folder: string;
let file: string;
const openssl = (...args: string[]): string => execFileSync('openssl', args, { encoding: 'utf8' });
const read = (...fields: string[]): string => openssl('x509', '-in', file, '-noout', ...fields);

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'tapes-root-'));
  file = join(folder, 'root.pem');
  writeFileSync(file, (await makeRoot({ domains: ['chatgpt.com', 'api.openai.com'], now })).certificatePem);
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

it('has a random serial number of 20 octets, which is positive', async () => {
  const serial = read('-serial').trim().replace('serial=', '');
  expect(serial).toMatch(/^[4-7][0-9A-F]{39}$/);
  const other = await makeRoot({ domains: ['chatgpt.com'], now });
  writeFileSync(join(folder, 'other.pem'), other.certificatePem);
  expect(openssl('x509', '-in', join(folder, 'other.pem'), '-noout', '-serial').trim()).not.toBe(`serial=${serial}`);
});

it('lasts two years at most, from an hour before it was made', () => {
  expect(read('-startdate')).toBe('notBefore=Nov 25 11:00:00 2026 GMT\n');
  expect(read('-enddate')).toBe('notAfter=Nov 24 11:00:00 2028 GMT\n');
});

it('is of RSA 3072 and signed by SHA-256', () => {
  const text = read('-text');
  expect(text).toContain('Public-Key: (3072 bit)');
  expect(text).toMatch(/Signature Algorithm: sha256WithRSAEncryption/);
  expect(openssl('verify', '-attime', String(now.getTime() / 1000), '-CAfile', file, file)).toContain(': OK');
});

it('may sign server certificates for its domains and nothing else', () => {
  const extensions = read('-ext', 'basicConstraints,keyUsage,extendedKeyUsage,nameConstraints,subjectKeyIdentifier')
    .split('\n')
    .map((line) => line.trim())
    .filter((line) => line !== '');
  expect(extensions).toEqual([
    'X509v3 Basic Constraints: critical',
    'CA:TRUE, pathlen:0',
    'X509v3 Key Usage: critical',
    'Certificate Sign, CRL Sign',
    'X509v3 Extended Key Usage:',
    'TLS Web Server Authentication',
    'X509v3 Name Constraints: critical',
    'Permitted:',
    'DNS:chatgpt.com',
    'DNS:api.openai.com',
    'Excluded:',
    'IP:0.0.0.0/0.0.0.0',
    'IP:0:0:0:0:0:0:0:0/0:0:0:0:0:0:0:0',
    'X509v3 Subject Key Identifier:',
    expect.stringMatching(/^([0-9A-F]{2}:){19}[0-9A-F]{2}$/),
  ]);
  // Those are all: an extension that is not in the list would be one more heading.
  expect(read('-text').match(/X509v3 /g)).toHaveLength(6); // five, and "X509v3 extensions:"
});

it('has a name of its own, in UTF-8', async () => {
  expect(read('-subject', '-nameopt', 'multiline')).toMatch(/commonName +?= tapes local root [0-9a-f]{8}\n/);
  expect(read('-issuer').replace('issuer', 'subject')).toBe(read('-subject'));
  const structure = openssl('asn1parse', '-in', file);
  expect(structure).toMatch(/:organizationalUnitName\n.*UTF8STRING +:.+@/);
  expect(structure).not.toContain('PRINTABLESTRING');
});
