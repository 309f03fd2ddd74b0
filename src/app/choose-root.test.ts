import { mkdir, mkdtemp, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';

import { findProfile } from '../agents/index.ts';
import { listUses, loadRoot } from '../ca/index.ts';
import { chooseRoot, type ChooseRootOptions, type RootChoice } from './choose-root.ts';
import { findPlaces } from './home.ts';

let home: string;
let said: string[];
const choices: RootChoice[] = [];

beforeEach(async () => {
  home = await mkdtemp(join(tmpdir(), 'tapes-choose-'));
  said = [];
});
afterEach(async () => {
  for (const { release } of choices.splice(0)) await release();
  await rm(home, { recursive: true, force: true });
});

async function choose(more: Partial<ChooseRootOptions> = {}): Promise<RootChoice> {
  const choice = await chooseRoot({
    places: findPlaces({ home }),
    profiles: [findProfile('codex')!],
    hostNames: [],
    ephemeral: false,
    onProgress: (line) => said.push(line),
    ...more,
  });
  choices.push(choice);
  return choice;
}
const dayMs = 86_400_000;

describe('chooseRoot', () => {
  it('makes a root once, and says who signs with it until the run is over', async () => {
    const first = await choose();
    const second = await choose();
    expect([first.root.isNew, second.root.isNew]).toEqual([true, false]);
    expect(second.root.fingerprint).toBe(first.root.fingerprint);
    const use = { pid: process.pid, fingerprint: first.root.fingerprint };
    expect(await listUses(join(home, 'ca'))).toEqual([use, use]);
    await first.release();
    expect(await listUses(join(home, 'ca'))).toEqual([use]);
    await second.release();
    expect(await listUses(join(home, 'ca'))).toEqual([]);
  });

  it('puts what --host-name names behind the hosts of the agent, in lower case', async () => {
    const { interceptHosts, root, release } = await choose({ hostNames: ['*.Example.com', 'chatgpt.com'] });
    await release();
    expect(interceptHosts[0]).toBe('chatgpt.com');
    expect(interceptHosts.at(-1)).toBe('*.example.com');
    expect(root.permittedDomains).toEqual(['chatgpt.com', 'api.openai.com', 'example.com']);
  });

  it('replaces a root that is installed nowhere by one that permits more, and agents trust both', async () => {
    const before = await choose();
    const after = await choose({ hostNames: ['llm.example.com'] });
    expect(after.root.fingerprint).not.toBe(before.root.fingerprint);
    expect(said.at(-1)).toContain('permits chatgpt.com, api.openai.com, llm.example.com');
    const trusted = await readFile(after.root.certificateFile, 'utf8');
    expect(trusted).toContain(before.root.certificatePem.trim());
    expect(trusted).toContain(after.root.certificatePem.trim());
    // What was permitted once stays so.
    expect((await choose({ hostNames: ['*.example.org'] })).root.permittedDomains).toContain('llm.example.com');
  });

  it('makes one root of it where eight such runs meet', async () => {
    await choose();
    const met = await Promise.all(Array.from({ length: 8 }, () => choose({ hostNames: ['*.example.com'] })));
    expect(new Set(met.map(({ root }) => root.fingerprint)).size).toBe(1);
    expect((await readdir(home)).sort()).toEqual(['ca']);
  });

  it('refuses to replace one that a store trusts, and says why and what to type', async () => {
    const { root } = await choose();
    const entry = {
      store: 'system',
      target: '/usr/local/share/ca-certificates/x.crt',
      fingerprint: root.fingerprint,
      certificatePem: root.certificatePem,
      installedAt: new Date().toISOString(),
    };
    await writeFile(join(home, 'trust.json'), JSON.stringify({ version: 1, entries: [entry] }));
    await expect(choose({ hostNames: ['*.example.com'] })).rejects.toMatchObject({
      code: 'E_CA_CONSTRAINTS',
      message: expect.stringMatching(/installed root does not permit example.com.*fixed when it is made.*x\.crt trust/),
      hint: expect.stringContaining('tapes ca rotate --host-name example.com'),
    });
    expect((await loadRoot(join(home, 'ca')))!.fingerprint).toBe(root.fingerprint);
  });

  it.each(['*', 'api.*', '*.com', '10.0.0.1', 'https://example.com'])('refuses --host-name %s', async (name) => {
    await expect(choose({ hostNames: [name] })).rejects.toMatchObject({ code: 'E_HOST_NAME_INVALID' });
    expect(await readdir(home)).toEqual([]);
  });

  it('with --ephemeral-ca keeps no key, and its certificate no longer than the run', async () => {
    const { root, release } = await choose({ ephemeral: true, hostNames: ['*.example.com'] });
    expect(root.permittedDomains).toContain('example.com');
    expect(await readFile(root.certificateFile, 'utf8')).toBe(root.certificatePem);
    expect((await stat(join(home, 'ca'))).mode & 0o777).toBe(0o700);
    expect(await readdir(join(home, 'ca'))).toHaveLength(1);
    await release();
    expect(await readdir(join(home, 'ca'))).toEqual([]);
    // The folder that it made is no hindrance to a root that stays.
    await (await choose()).release();
    expect((await readdir(join(home, 'ca'))).sort()).toEqual(['root-key.pem', 'root.pem']);
  });

  it('makes one root where eight first runs meet in a folder that is there already', async () => {
    await mkdir(join(home, 'ca'), { mode: 0o700 });
    await writeFile(join(home, 'ca/bundle-left-by-a-crash.pem'), '');
    const met = await Promise.all(Array.from({ length: 8 }, () => choose()));
    expect(new Set(met.map(({ root }) => root.fingerprint)).size).toBe(1);
  });

  it('warns of the end 30 days ahead', async () => {
    const { root, warnings } = await choose();
    expect(warnings).toEqual([]);
    const at = (days: number) => new Date(root.expiresAt.getTime() - days * dayMs);
    expect((await choose({ now: at(31) })).warnings).toEqual([]);
    expect((await choose({ now: at(29.5) })).warnings).toEqual([
      `the root expires in 29 days, on ${root.expiresAt.toISOString().slice(0, 10)}; renew it: tapes ca rotate`,
    ]);
    await expect(choose({ now: at(-1) })).rejects.toMatchObject({ code: 'E_CA_EXPIRED' });
  });
});
