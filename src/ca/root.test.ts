import { execFileSync } from 'node:child_process';
import { chmod, mkdtemp, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { afterEach, beforeEach, describe, expect, it } from 'vitest';

import { makeRoot } from './make-root.ts';
import { permits } from './root-certificate.ts';
import { openRoot } from './root.ts';

const domains = ['chatgpt.com', 'api.openai.com'];
let folder: string;

beforeEach(async () => {
  folder = join(await mkdtemp(join(tmpdir(), 'tapes-ca-')), 'ca');
});
afterEach(() => rm(join(folder, '..'), { recursive: true, force: true }));

const openssl = (...args: string[]): string => execFileSync('openssl', args, { encoding: 'utf8' });

describe('openRoot', () => {
  it('makes a root that openssl reads as constrained, short-lived and fit to sign servers only', async () => {
    const root = await openRoot(folder, domains);
    const text = openssl('x509', '-in', root.certificateFile, '-noout', '-text');
    expect(root.isNew).toBe(true);
    expect(text).toMatch(/Basic Constraints: critical\s+CA:TRUE, pathlen:0/);
    expect(text).toMatch(/Key Usage: critical\s+Certificate Sign, CRL Sign\n/);
    expect(text).toMatch(
      /Name Constraints: critical\s+Permitted:\s+DNS:chatgpt.com\s+DNS:api.openai.com\s+Excluded:\s+IP:0/,
    );
    const days = (root.expiresAt.getTime() - Date.now()) / 86_400_000;
    expect(days).toBeGreaterThan(728);
    expect(days).toBeLessThanOrEqual(731);
  });

  it('keeps the key to its owner, in a folder of its owner', async () => {
    await openRoot(folder, domains);
    expect((await stat(folder)).mode & 0o777).toBe(0o700);
    expect((await stat(join(folder, 'root-key.pem'))).mode & 0o777).toBe(0o600);
  });

  it('finds the same root the next time, with what it permits', async () => {
    const first = await openRoot(folder, domains);
    const second = await openRoot(folder, domains);
    expect(second).toEqual({ ...first, isNew: false });
    expect(second.permittedDomains).toEqual(domains);
  });

  it('makes one root where eight first runs meet', async () => {
    const roots = await Promise.all(Array.from({ length: 8 }, () => openRoot(folder, domains)));
    expect(new Set(roots.map((root) => root.certificatePem)).size).toBe(1);
    expect(new Set(roots.map((root) => root.keyPem)).size).toBe(1);
  });

  it('refuses a key that others may read, and names the command that mends it', async () => {
    await openRoot(folder, domains);
    await chmod(join(folder, 'root-key.pem'), 0o644);
    await expect(openRoot(folder, domains)).rejects.toMatchObject({
      code: 'E_CA_PERMISSIONS',
      hint: expect.stringContaining('chmod 600'),
    });
  });

  it('refuses a certificate with the key of another root', async () => {
    await openRoot(folder, domains);
    const other = await makeRoot({ domains, now: new Date() });
    await writeFile(join(folder, 'root-key.pem'), other.keyPem);
    await expect(openRoot(folder, domains)).rejects.toMatchObject({ code: 'E_CA_MISMATCH' });
  });

  it('refuses a damaged certificate, a missing key and a missing certificate', async () => {
    const { certificateFile } = await openRoot(folder, domains);
    await writeFile(certificateFile, 'not a certificate');
    await expect(openRoot(folder, domains)).rejects.toMatchObject({ code: 'E_CA_UNREADABLE' });
    await rm(join(folder, 'root-key.pem'));
    await expect(openRoot(folder, domains)).rejects.toMatchObject({ code: 'E_CA_UNREADABLE' });
  });

  it('refuses an expired root, and one that does not permit what is asked', async () => {
    const { expiresAt } = await openRoot(folder, domains);
    await expect(openRoot(folder, domains, new Date(expiresAt.getTime() + 1))).rejects.toMatchObject({
      code: 'E_CA_EXPIRED',
    });
    await expect(openRoot(folder, [...domains, 'example.com'])).rejects.toMatchObject({
      code: 'E_CA_CONSTRAINTS',
      message: expect.stringContaining('example.com'),
    });
  });

  it('leaves no draft behind', async () => {
    await openRoot(folder, domains);
    const { readdir } = await import('node:fs/promises');
    expect(await readdir(join(folder, '..'))).toEqual(['ca']);
    expect(await readFile(join(folder, 'root.pem'), 'utf8')).toMatch(/-----END CERTIFICATE-----\n$/);
  });
});

describe('permits', () => {
  it('covers a domain and what is below it, not what only ends alike', () => {
    expect(permits(domains, 'chatgpt.com')).toBe(true);
    expect(permits(domains, 'gov.ChatGPT.com')).toBe(true);
    expect(permits(domains, 'auth.openai.com')).toBe(false);
    expect(permits(domains, 'evilchatgpt.com')).toBe(false);
  });
});
