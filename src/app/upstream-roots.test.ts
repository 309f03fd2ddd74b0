import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';

import { makeThrowAwayRoot, makeThrowAwayServer } from '../ca/index.ts';
import { readUpstreamRoots } from './upstream-roots.ts';

const folder = mkdtempSync(join(tmpdir(), 'tapes-roots-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const ours = (await makeThrowAwayRoot(['chatgpt.com'])).certificatePem;
const company = (await makeThrowAwayServer('a company')).certificatePem.replaceAll('\r\n', '\n');
const file = join(folder, 'roots.pem');
writeFileSync(file, `${ours}${company}`);

async function trusts(
  environment: Record<string, string>,
  sources: readonly string[] = [],
  isProxied = false,
): Promise<{ ours: boolean; company: boolean }> {
  const files = sources.map((source) => ({ file, source }));
  const roots = (await readUpstreamRoots(files, environment, { isProxied })).map((pem) => pem.trim());
  return { ours: roots.includes(ours.trim()), company: roots.includes(company.trim()) };
}

describe('what the provider may chain to', () => {
  it.each(['SSL_CERT_FILE', 'NODE_EXTRA_CA_CERTS'])('is what %s trusts, but no root of tapes', async (name) => {
    expect(await trusts({ [name]: file })).toEqual({ ours: false, company: true });
    expect(await trusts({ [name]: file }, [], true)).toEqual({ ours: false, company: true });
  });

  it('is what the agent was told to trust; a root of tapes only where another tapes may be on the way', async () => {
    expect(await trusts({}, ['CODEX_CA_CERTIFICATE'])).toEqual({ ours: false, company: true });
    expect(await trusts({}, ['CODEX_CA_CERTIFICATE'], true)).toEqual({ ours: true, company: true });
  });

  it('is whatever was named to tapes itself', async () => {
    expect(await trusts({}, ['--upstream-ca'])).toEqual({ ours: true, company: true });
  });
});
