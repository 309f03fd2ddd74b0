// Installing, rotating and removing against Debian's real program, in folders that are a test's own: what goes wrong, and what is left then.
import { execFileSync } from 'node:child_process';
import { access, chmod, copyFile, mkdir, mkdtemp, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { createCa } from '../../src/app/create-ca.ts';
import { describeCa } from '../../src/app/describe-ca.ts';
import { installCa } from '../../src/app/install-ca.ts';
import { rotateCa } from '../../src/app/rotate-ca.ts';
import { uninstallCa } from '../../src/app/uninstall-ca.ts';
import { announceUse, loadRoot, readFacts, type Facts } from '../../src/ca/index.ts';
import { testRootFile } from '../support/certificates.ts';
import { needs } from '../support/programs.ts';

const tool = needs('update-ca-certificates', 'openssl');
let home: string;
let anchors: string;
let bundle: string;
let facts: Facts;

beforeEach(async () => {
  home = await mkdtemp(join(tmpdir(), 'tapes-install-'));
  anchors = join(home, 'local');
  const links = join(home, 'certs');
  bundle = join(links, 'ca-certificates.crt');
  for (const folder of [anchors, links, join(home, 'hooks')]) await mkdir(folder);
  await writeFile(join(home, 'certs.conf'), '# none\n');
  // Somebody else's: without any certificate Debian's program leaves the bundle as it is.
  await copyFile(testRootFile, join(anchors, 'corporate.crt'));
  const found = await readFacts({ environment: { PATH: `${process.env['PATH']}:/usr/sbin`, HOME: home } });
  facts = {
    ...found,
    isRoot: true, // nothing here needs root rights
    hasJavaHook: false,
    anchors: [
      {
        folder: anchors,
        ending: '.crt',
        refresh: [
          'update-ca-certificates',
          '--localcertsdir',
          anchors,
          '--etccertsdir',
          links,
          '--certsconf',
          join(home, 'certs.conf'),
          '--hooksdir',
          join(home, 'hooks'),
        ],
        bundle,
        leftovers: { links, javaHook: '/nonexistent' },
      },
    ],
  };
});
afterEach(() => rm(home, { recursive: true, force: true }));

const common = () => ({ home, environment: {}, dryRun: false, facts });
const install = (more: Partial<Parameters<typeof installCa>[0]> = {}) =>
  installCa({ ...common(), stores: ['system'], withWindows: false, ...more });
const rotate = (more: Partial<Parameters<typeof rotateCa>[0]> = {}) =>
  rotateCa({ ...common(), hostNames: [], forget: false, anyway: false, ...more });
const uninstall = (more: Partial<Parameters<typeof uninstallCa>[0]> = {}) =>
  uninstallCa({ ...common(), stores: null, earlier: false, ...more });
const ledger = async (): Promise<{ fingerprint: string; target: string }[]> =>
  (
    JSON.parse(await readFile(join(home, 'trust.json'), 'utf8')) as {
      entries: { fingerprint: string; target: string }[];
    }
  ).entries;
const outcomes = (report: { stores: readonly { outcome: string }[] }): string[] =>
  report.stores.map(({ outcome }) => outcome);
/** Files of roots in the store, but for the one that was there before. */
const ours = async (): Promise<string[]> => (await readdir(anchors)).filter((name) => name !== 'corporate.crt');

describe.skipIf(tool.skip)(`the trust stores${tool.reason}`, () => {
  it('hold the root once, however often it is installed, and nothing of it after uninstall', async () => {
    expect(outcomes(await install())).toEqual(['installed']);
    expect(outcomes(await install())).toEqual(['already']);
    expect(await ledger()).toHaveLength(1);
    expect((await readFile(bundle, 'utf8')).match(/BEGIN CERTIFICATE/g)).toHaveLength(2);
    expect(outcomes(await uninstall())).toEqual(['removed']);
    expect([await ours(), await ledger()]).toEqual([[], []]);
    // Nor a link to it, or one that leads nowhere.
    const links = await readdir(join(home, 'certs'));
    expect(links.filter((name) => name.includes('tapes'))).toEqual([]);
    for (const name of links) await access(join(home, 'certs', name));
    expect(outcomes(await uninstall())).toEqual([]);
  });

  it('are mended where the file is there and the bundle does not have it', async () => {
    await install();
    await writeFile(bundle, '');
    const status = await describeCa({ home, environment: {}, stores: ['system'], facts });
    expect(status.stores[0]).toMatchObject({ state: 'damaged', next: 'tapes ca install' });
    expect(outcomes(await install())).toEqual(['installed']);
    expect(await readFile(bundle, 'utf8')).toContain('BEGIN CERTIFICATE');
  });

  it('are left alone where something else has our name, and the error says what to look at', async () => {
    await install();
    await uninstall();
    const { name } = (await loadRoot(join(home, 'ca')))!;
    const file = join(anchors, `${name}.crt`);
    await writeFile(file, '-----BEGIN CERTIFICATE-----\nnot ours\n-----END CERTIFICATE-----\n');
    const report = await install();
    expect(report).toMatchObject({ failed: true, stores: [{ outcome: 'failed', error: { code: 'E_STORE_FOREIGN' } }] });
    expect(report.stores[0]!.error!.hint).toContain(file);
    expect(await readFile(file, 'utf8')).toContain('not ours');
    expect(await ledger()).toEqual([]);
  });

  it('keep nothing of an installation that failed half way', async () => {
    const broken = { ...facts, anchors: [{ ...facts.anchors[0]!, refresh: ['false'] }] };
    const report = await install({ facts: broken });
    expect(report).toMatchObject({ failed: true, stores: [{ error: { code: 'E_STORE_FAILED' } }] });
    expect(await ours()).toEqual([]);
    expect(await ledger()).toEqual([]);
  });

  it('forget what was taken out by hand', async () => {
    await install();
    await rm(join(anchors, (await ours())[0]!));
    await copyFile(testRootFile, bundle);
    expect(outcomes(await uninstall())).toEqual(['absent']);
    expect(await ledger()).toEqual([]);
  });

  it('are cleaned also where the folder of the root is gone', async () => {
    await install();
    await rm(join(home, 'ca'), { recursive: true });
    expect(outcomes(await uninstall())).toEqual(['removed']);
    expect(await ours()).toEqual([]);
  });
});

describe.skipIf(tool.skip)(`a rotation${tool.reason}`, () => {
  const broken = (): typeof facts => ({ ...facts, anchors: [{ ...facts.anchors[0]!, refresh: ['false'] }] });

  it('that a store holds up goes on with the root before, and later with the new one that it has begun', async () => {
    await install();
    const before = (await loadRoot(join(home, 'ca')))!;
    const held = await rotate({ facts: broken() });
    expect(held).toMatchObject({ failed: true, root: null, stores: [{ outcome: 'failed' }] });
    expect(held.waiting!.fingerprint).not.toBe(before.fingerprint);
    expect((await loadRoot(join(home, 'ca')))!.fingerprint).toBe(before.fingerprint);
    expect((await stat(join(home, 'ca/next-key.pem'))).mode & 0o777).toBe(0o600);
    expect(await ours()).toEqual([`${before.name}.crt`]);
    const status = await describeCa({ home, environment: {}, stores: ['system'], facts });
    expect(status).toMatchObject({
      problem: null,
      waiting: { fingerprint: held.waiting!.fingerprint },
      earlier: [],
      warnings: [expect.stringContaining('go on: tapes ca rotate')],
    });
    expect(outcomes(await rotate({ facts: broken() }))).toEqual(['failed']);

    const done = await rotate();
    expect(done).toMatchObject({ failed: false, waiting: null, previous: before.fingerprint });
    expect(done.root!.fingerprint).toBe(held.waiting!.fingerprint);
    expect((await loadRoot(join(home, 'ca')))!.fingerprint).toBe(held.waiting!.fingerprint);
    expect(await readdir(join(home, 'ca'))).not.toContain('next-key.pem');
    expect(outcomes(await uninstall())).toEqual(['removed']);
    expect([await ours(), await ledger()]).toEqual([[], []]);
  });

  it('without root rights says what goes on with it once that was typed as root', async () => {
    await install();
    const before = (await loadRoot(join(home, 'ca')))!.fingerprint;
    const programs = new Map([...facts.programs].filter(([name]) => name !== 'sudo' && name !== 'doas'));
    const nobody = { ...facts, isRoot: false, programs };
    const held = await rotate({ facts: nobody });
    expect(held.stores[0]!.error).toMatchObject({
      code: 'E_STORE_NEEDS_ROOT',
      hint: expect.stringMatching(/^run as root: install .*; then, as yourself: tapes ca rotate$/),
    });
    const [, typed] = /^run as root: (.*); then, /.exec(held.stores[0]!.error!.hint)!;
    execFileSync('sh', ['-c', typed!], { stdio: 'ignore' });
    const done = await rotate({ facts: nobody });
    expect(done.stores.map(({ outcome, error }) => [outcome, error?.hint])).toEqual([
      ['already', undefined],
      ['failed', expect.stringMatching(/; then, as yourself: tapes ca uninstall --earlier$/)],
    ]);
    expect((await loadRoot(join(home, 'ca')))!.fingerprint).not.toBe(before);
    expect(outcomes(await uninstall({ earlier: true }))).toEqual(['removed']);
    expect(await ours()).toHaveLength(1);
  });

  it('that a store holds up is another one where more is asked for, or the key that waits was open to others', async () => {
    await install();
    const held = async (more = {}): Promise<string> =>
      (await rotate({ facts: broken(), ...more })).waiting!.fingerprint;
    const first = await held();
    const second = await held({ hostNames: ['llm.example.com'] });
    expect(second).not.toBe(first);
    await chmod(join(home, 'ca/next-key.pem'), 0o644);
    expect(await held()).not.toBe(second);
  });

  it('does not wait for a store where it is told so, where a key is to be forgotten, and where there is none to wait with', async () => {
    const waits = async (more: Parameters<typeof rotate>[0]): Promise<boolean> => {
      await install();
      const before = (await loadRoot(join(home, 'ca')))!.fingerprint;
      const report = await rotate({ facts: broken(), ...more });
      expect(report.failed).toBe(true);
      return (await loadRoot(join(home, 'ca')))!.fingerprint === before;
    };
    expect(await waits({ anyway: true })).toBe(false);
    expect(await waits({ forget: true })).toBe(false);
    expect(await waits({})).toBe(true);
    expect(await waits({ now: new Date(Date.now() + 3 * 365 * 86_400_000) })).toBe(false);
    expect(await readdir(join(home, 'ca'))).not.toContain('next-key.pem');
  });

  it('leaves the earlier root in the stores as long as a run signs with it, and takes it out later', async () => {
    await install();
    const earlier = (await loadRoot(join(home, 'ca')))!;
    const use = await announceUse(join(home, 'ca'), earlier.fingerprint);
    const report = await rotate();
    expect(outcomes(report)).toEqual(['installed', 'kept']);
    expect(report.runsOnEarlier).toEqual([process.pid]);
    expect(await ours()).toHaveLength(2);
    const status = await describeCa({ home, environment: {}, stores: ['system'], facts });
    expect(status.stores.map(({ isEarlier, state, next }) => [isEarlier, state, next])).toEqual([
      [false, 'installed', null],
      [true, 'installed', 'tapes ca uninstall --earlier'],
    ]);
    await rm(use);
    expect(outcomes(await uninstall({ earlier: true }))).toEqual(['removed']);
    const { name } = (await loadRoot(join(home, 'ca')))!;
    expect(await ours()).toEqual([`${name}.crt`]);
    expect(outcomes(await uninstall())).toEqual(['removed']);
    expect(await ours()).toEqual([]);
  });

  it('permits what the root before did, and what is asked for besides', async () => {
    await rotate({ hostNames: ['*.example.com'] });
    const report = await rotate({ hostNames: ['llm.example.org'] });
    expect(report.permittedDomains).toEqual(['chatgpt.com', 'api.openai.com', 'example.com', 'llm.example.org']);
    expect(report.root!.permittedDomains).toEqual(report.permittedDomains);
  });

  it('mends a root that cannot be used: a damaged key, another key, an expired one, a loose one', async () => {
    const key = join(home, 'ca/root-key.pem');
    await install();
    const first = (await loadRoot(join(home, 'ca')))!;
    await writeFile(key, 'nonsense');
    expect(await rotate()).toMatchObject({ failed: false, previous: null });
    expect((await loadRoot(join(home, 'ca')))!.fingerprint).not.toBe(first.fingerprint);
    expect(await ours()).toHaveLength(1); // the first one is out, by the ledger
    await chmod(key, 0o644);
    expect((await rotate()).failed).toBe(false);
    const late = new Date(Date.now() + 3 * 365 * 86_400_000);
    await expect(install({ now: late })).rejects.toMatchObject({
      code: 'E_CA_EXPIRED',
      hint: expect.stringContaining('tapes ca rotate'),
    });
    const renewed = await rotate({ now: late });
    expect(renewed).toMatchObject({ failed: false });
    expect(new Date(renewed.root!.startsAt).getTime()).toBeGreaterThan(Date.now() + 1000 * 86_400_000);
  });

  it('in a dry run changes nothing and names the commands', async () => {
    await install();
    const before = [await ours(), await readdir(join(home, 'ca')), await readFile(join(home, 'ca/root.pem'), 'utf8')];
    const report = await rotate({ dryRun: true });
    expect(outcomes(report)).toEqual(['planned', 'planned']);
    expect(report.stores.flatMap(({ commands }) => commands).join('\n')).toMatch(
      /install -D .*\n\S*update-ca-cert[^]*rm -f /,
    );
    expect([await ours(), await readdir(join(home, 'ca')), await readFile(join(home, 'ca/root.pem'), 'utf8')]).toEqual(
      before,
    );
  });
});

describe('creating a root', () => {
  const create = (more: Partial<Parameters<typeof createCa>[0]> = {}) =>
    createCa({ home, hostNames: [], dryRun: false, ...more });

  it('makes one, and then has it; a dry run makes none', async () => {
    expect(await create({ dryRun: true, hostNames: ['*.example.com'] })).toMatchObject({
      root: null,
      permittedDomains: ['chatgpt.com', 'api.openai.com', 'example.com'],
    });
    expect(await loadRoot(join(home, 'ca'))).toBeNull();
    const made = await create();
    expect(made.root!.isNew).toBe(true);
    expect((await create()).root).toEqual({ ...made.root, isNew: false });
    await expect(create({ hostNames: ['*.example.com'] })).rejects.toMatchObject({
      code: 'E_CA_CONSTRAINTS',
      hint: expect.stringContaining('tapes ca rotate --host-name example.com'),
    });
  });
});

describe('root rights by sudo', () => {
  it('are another user: said, with what to do instead', async () => {
    const report = await install({ stores: ['node'], environment: { SUDO_USER: 'dev' } });
    expect(report.warnings).toEqual([expect.stringContaining('tapes asks for sudo itself, run it as dev')]);
    expect((await install({ stores: ['node'] })).warnings).toEqual([]);
  });
});

describe('a clock that is far off', () => {
  it('is told before a root is made, and where the root is from the future', async () => {
    await expect(install({ now: new Date('1970-01-02') })).rejects.toMatchObject({
      code: 'E_CLOCK_WRONG',
      message: expect.stringContaining('1970-01-02'),
    });
    await install({ now: new Date(Date.now() + 10 * 86_400_000), stores: ['node'] });
    await expect(install({ stores: ['node'] })).rejects.toMatchObject({
      code: 'E_CLOCK_WRONG',
      hint: expect.stringContaining('tapes ca rotate'),
    });
  });
});
