// `tapes ca` as a user types it, against real trust stores: Debian's own, NSS databases, a keystore of Java.
import { execFileSync } from 'node:child_process';
import { createPublicKey, X509Certificate } from 'node:crypto';
import {
  chmodSync,
  chownSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { afterEach, describe, expect, it } from 'vitest';
import { makeLeaf, type Root } from '../support/certificates.ts';
import { startLeafServer } from '../support/leaf-server.ts';
import { needs } from '../support/programs.ts';
import { canMount, whyNoMount, withReadOnly } from '../support/read-only.ts';
import { run, start, type RunResult } from '../support/run.ts';
import { makeTapesHome, runTapes, tapesBin, type TapesHome } from '../support/tapes.ts';

const closing: (() => unknown)[] = [];
afterEach(() => {
  for (const close of closing.splice(0).reverse()) close();
});

interface Result {
  readonly store: string;
  readonly label: string;
  readonly outcome: string;
  readonly message: string;
  readonly commands: readonly string[];
  readonly error: { readonly code: string; readonly hint: string } | null;
}

const env = { PATH: `${process.env['PATH'] ?? ''}:/usr/sbin` };

function set(): { readonly tapes: TapesHome; readonly userHome: string; ca(...args: string[]): Promise<RunResult> } {
  const tapes = makeTapesHome();
  closing.push(tapes.remove);
  const userHome = join(tapes.dir, 'user');
  mkdirSync(userHome);
  const ca = (...args: string[]): Promise<RunResult> =>
    runTapes({ ...tapes, dir: join(tapes.dir, 'home') }, ['ca', ...args], { env: { ...env, HOME: userHome } });
  return { tapes, userHome, ca };
}

const resultsOf = ({ stdout }: RunResult): Result[] => (JSON.parse(stdout) as { stores: Result[] }).stores;
const outcomesOf = (result: RunResult): string[] => resultsOf(result).map(({ outcome }) => outcome);
const rootOf = (tapes: TapesHome): Root => ({
  certificatePem: readFileSync(join(tapes.dir, 'home/ca/root.pem'), 'utf8').split(
    /(?<=-----END CERTIFICATE-----\n)/,
  )[0]!,
  keyPem: readFileSync(join(tapes.dir, 'home/ca/root-key.pem'), 'utf8'),
});

/** Of the root that the key in use is of. */
function rootName(tapes: TapesHome): string {
  const key = createPublicKey(readFileSync(join(tapes.dir, 'home/ca/root-key.pem'), 'utf8'));
  const pems = readFileSync(join(tapes.dir, 'home/ca/root.pem'), 'utf8').match(/-+BEGIN[^]*?-+END.*-+/g) ?? [];
  const certificate = pems.map((pem) => new X509Certificate(pem)).find((each) => each.publicKey.equals(key));
  return `tapes-local-root-${certificate?.fingerprint256.replaceAll(':', '').slice(0, 16).toLowerCase()}`;
}

function makeNss(userHome: string, path: string, password?: string): string {
  const folder = join(userHome, path);
  mkdirSync(folder, { recursive: true });
  if (password === undefined) execFileSync('certutil', ['-N', '-d', `sql:${folder}`, '--empty-password']);
  else {
    writeFileSync(join(userHome, 'password'), `${password}\n`);
    execFileSync('certutil', ['-N', '-d', `sql:${folder}`, '-f', join(userHome, 'password')]);
  }
  return folder;
}
const listNss = (folder: string): string =>
  execFileSync('certutil', ['-L', '-d', `sql:${folder}`], { encoding: 'utf8' });

const setpriv = needs('setpriv');

/** `tapes ca …` in a mount namespace of its own, in which this folder is read-only. */
function caWithReadOnly(
  folder: string,
  { tapes, userHome }: Pick<ReturnType<typeof set>, 'tapes' | 'userHome'>,
  ...args: string[]
): Promise<RunResult> {
  const [file = '', ...rest] = withReadOnly(folder, [process.execPath, tapesBin, 'ca', ...args]);
  return run(file, rest, {
    env: { ...env, HOME: userHome, TAPES_HOME: join(tapes.dir, 'home') },
  });
}

const nss = needs('certutil', 'vfychain');
describe.skipIf(nss.skip)(`NSS${nss.reason}`, () => {
  it(
    'has the root in every profile, snap and flatpak too, and after uninstall in none',
    { timeout: 60_000 },
    async () => {
      const { tapes, userHome, ca } = set();
      const profiles = [
        '.mozilla/firefox/abc.default-release',
        '.pki/nssdb',
        'snap/firefox/common/.mozilla/firefox/xyz.default',
        'snap/chromium/current/.pki/nssdb',
        '.var/app/org.mozilla.firefox/.mozilla/firefox/def.default',
      ].map((path) => makeNss(userHome, path));
      mkdirSync(join(userHome, '.mozilla/firefox/Crash Reports'));
      const before = profiles.map(listNss);

      const first = await ca('install', '--store', 'nss', '--json');
      expect(first).toMatchObject({ exitCode: 0, stderr: '' });
      expect(outcomesOf(first)).toEqual(profiles.map(() => 'installed'));
      for (const folder of profiles) expect(listNss(folder)).toMatch(/tapes-local-root-[0-9a-f]{16} +C,, /);
      expect(outcomesOf(await ca('install', '--store', 'nss', '--json'))).toEqual(profiles.map(() => 'already'));

      const accepts = async (host: string, folder: string): Promise<boolean> => {
        const file = join(tapes.dir, `${host}.pem`);
        writeFileSync(file, makeLeaf(rootOf(tapes), [host]).cert);
        const args = ['-d', `sql:${folder}`, '-u', '1', '-a', file];
        return (await run('vfychain', args, { env: { ...env, HOME: userHome } })).exitCode === 0;
      };
      expect(await accepts('chatgpt.com', profiles[0]!)).toBe(true);
      expect(await accepts('example.com', profiles[0]!)).toBe(false);

      const status = await ca('status', '--store', 'nss');
      expect(status.stdout.match(/: installed$|installed$/gm)).toHaveLength(profiles.length);

      expect(outcomesOf(await ca('uninstall', '--json'))).toEqual(profiles.map(() => 'removed'));
      expect(profiles.map(listNss)).toEqual(before);
      expect(await accepts('chatgpt.com', profiles[0]!)).toBe(false);
      expect((await ca('uninstall')).stdout).toContain('nothing is installed by tapes');
    },
  );

  it(
    'is rotated: the new root in, the earlier one out, and uninstall leaves nothing',
    { timeout: 60_000 },
    async () => {
      const { tapes, userHome, ca } = set();
      const folder = makeNss(userHome, '.pki/nssdb');
      const before = listNss(folder);
      const deleted = makeNss(userHome, '.mozilla/firefox/a.deleted');
      await ca('install', '--store', 'nss');
      rmSync(deleted, { recursive: true });
      const [, first] = /(tapes-local-root-\w+)/.exec(listNss(folder))!;
      const rotated = await ca('rotate', '--json');
      // A profile that is gone meanwhile holds nothing up.
      expect(outcomesOf(rotated)).toEqual(['installed', 'gone', 'removed']);
      const [, second] = /(tapes-local-root-\w+)/.exec(listNss(folder))!;
      expect(second).not.toBe(first);
      expect(listNss(folder)).not.toContain(first);
      // Agents are told to trust both, the key is the new one's alone.
      const trusted = readFileSync(join(tapes.dir, 'home/ca/root.pem'), 'utf8');
      expect(trusted.match(/BEGIN CERTIFICATE/g)).toHaveLength(2);
      expect((await ca('rotate', '--forget', '--json')).exitCode).toBe(0);
      expect(readFileSync(join(tapes.dir, 'home/ca/root.pem'), 'utf8').match(/BEGIN CERTIFICATE/g)).toHaveLength(1);
      expect((await ca('uninstall')).exitCode).toBe(0);
      expect(listNss(folder)).toBe(before);
    },
  );

  it(
    'a rotation that is killed leaves a root that works, and nothing that uninstall does not find',
    { timeout: 90_000 },
    async () => {
      const { tapes, userHome, ca } = set();
      const folder = makeNss(userHome, '.pki/nssdb');
      const before = listNss(folder);
      const home = join(tapes.dir, 'home');
      const countOf = (text: string, what: RegExp): number => text.match(what)?.length ?? 0;
      const read = (name: string): string => readFileSync(join(home, name), 'utf8');
      const moments: Readonly<Record<string, () => boolean>> = {
        'agents are told of both': () => countOf(read('ca/root.pem'), /BEGIN CERTIFICATE/g) > 1,
        'the ledger has both': () => countOf(read('trust.json'), /"fingerprint"/g) > 1,
        'the store has both': () => countOf(listNss(folder), /tapes-local-root/g) > 1,
      };
      for (const [moment, hasCome] of Object.entries(moments)) {
        expect((await ca('install', '--store', 'nss')).exitCode).toBe(0);
        const rotating = start(process.execPath, [tapesBin, 'ca', 'rotate'], {
          env: { ...env, HOME: userHome, TAPES_HOME: home },
        });
        await expect.poll(hasCome, { interval: 1, timeout: 20_000, message: moment }).toBe(true);
        rotating.kill('SIGKILL');
        await rotating.ended;
        // The lock of the dead is no obstacle; the root is one that signs, and what was begun can be taken back.
        const status = await ca('status', '--store', 'nss', '--json');
        expect(JSON.parse(status.stdout)).toMatchObject({ problem: null });
        expect((await ca('install', '--store', 'nss')).exitCode).toBe(0);
        expect((await ca('uninstall')).exitCode).toBe(0);
        expect(listNss(folder)).toBe(before);
        await ca('rotate', '--forget');
      }
    },
  );

  it('a locked profile is told of, left as it was, and the others are done', { timeout: 60_000 }, async () => {
    const { userHome, ca } = set();
    const locked = makeNss(userHome, '.mozilla/firefox/a.locked', 'a primary password');
    const open = makeNss(userHome, '.mozilla/firefox/b.open');
    const before = listNss(locked);
    const result = await ca('install', '--store', 'nss', '--json');
    expect(result.exitCode).toBe(1);
    expect(resultsOf(result).map(({ outcome, error }) => [outcome, error?.code])).toEqual([
      ['failed', 'E_STORE_LOCKED'],
      ['installed', undefined],
    ]);
    expect(resultsOf(result)[0]!.error!.hint).toContain(`certutil -A -d sql:${locked}`);
    expect(listNss(locked)).toBe(before);
    expect(listNss(open)).toContain('tapes-local-root-');
    expect(outcomesOf(await ca('uninstall', '--json'))).toEqual(['removed']);
  });

  it(
    'a profile that is locked when a rotation comes holds it up: the others have both roots, until all have the new one',
    { timeout: 90_000 },
    async () => {
      const { tapes, userHome, ca } = set();
      const [locked, open] = ['.mozilla/firefox/a.locked', '.mozilla/firefox/b.open'].map((path) =>
        makeNss(userHome, path),
      ) as [string, string];
      const rootsIn = (folder: string): string[] => listNss(folder).match(/tapes-local-root-\w+/g) ?? [];
      const passwords = { '': join(userHome, 'none'), secret: join(userHome, 'secret') };
      for (const [password, file] of Object.entries(passwords)) writeFileSync(file, `${password}\n`);
      const setPassword = (from: keyof typeof passwords, to: keyof typeof passwords): unknown =>
        execFileSync('certutil', ['-W', '-d', `sql:${locked}`, '-f', passwords[from], '-@', passwords[to]]);
      await ca('install', '--store', 'nss');
      const [first] = rootsIn(open);
      setPassword('', 'secret');

      const held = await ca('rotate');
      expect(held).toMatchObject({ exitCode: 1, stderr: '' });
      expect(held.stdout).toMatch(/^the new root is not used yet: a store could not take it\n/);
      expect(held.stdout).toMatch(/FAIL {2}nss .* is locked/);
      expect(held.stdout).toMatch(
        /then go on: tapes ca rotate\nor use the new root without it: tapes ca rotate --anyway\n$/,
      );
      expect(rootsIn(locked)).toEqual([first]);
      expect(rootsIn(open)).toHaveLength(2);
      expect(rootName(tapes)).toBe(first);
      const status = await ca('status', '--store', 'nss');
      expect(status.exitCode).toBe(0);
      expect(status.stdout).toContain('go on: tapes ca rotate\n');
      expect(status.stdout).toContain('the new root is installed, and not used yet');
      expect((await ca('rotate', '--dry-run')).stdout).toMatch(/^a new root would be used, which waits, for chatgpt/);
      const doctor = await runTapes({ ...tapes, dir: join(tapes.dir, 'home') }, ['doctor'], {
        env: { ...env, HOME: userHome },
      });
      expect(doctor.stdout).toMatch(/^note {2}root .*a rotation was held up; go on: tapes ca rotate/m);
      // What a rotation holds ready is not what it has left behind.
      expect(outcomesOf(await ca('uninstall', '--earlier', '--json'))).toEqual([]);

      setPassword('secret', '');
      const done = await ca('rotate', '--json');
      expect(outcomesOf(done)).toEqual(['installed', 'already', 'removed', 'removed']);
      const [second, ...others] = rootsIn(open);
      expect([second, ...others, ...rootsIn(locked)]).toEqual([rootName(tapes), rootName(tapes)]);
      expect(second).not.toBe(first);

      setPassword('', 'secret');
      const anyway = await ca('rotate', '--anyway', '--json');
      expect(anyway.exitCode).toBe(1);
      expect(rootsIn(open)).toEqual([rootName(tapes)]);
      setPassword('secret', '');
      expect((await ca('uninstall')).exitCode).toBe(0);
      expect([rootsIn(locked), rootsIn(open)]).toEqual([[], []]);
    },
  );

  it('without certutil says which package has it', async () => {
    const { tapes, userHome } = set();
    makeNss(userHome, '.pki/nssdb');
    const result = await runTapes(tapes, ['ca', 'install', '--store', 'nss,node', '--json'], {
      env: { PATH: '/nowhere', HOME: userHome },
    });
    expect(result.exitCode).toBe(1);
    expect(resultsOf(result).map(({ store, outcome, error }) => [store, outcome, error?.code])).toEqual([
      ['nss', 'failed', 'E_STORE_TOOL_MISSING'],
      ['node', 'advice', undefined],
    ]);
  });

  it.skipIf(!canMount)(
    `a read-only profile is told of, and the others are done${whyNoMount}`,
    { timeout: 60_000 },
    async () => {
      const scene = set();
      const readOnly = makeNss(scene.userHome, '.mozilla/firefox/a.read-only');
      makeNss(scene.userHome, '.mozilla/firefox/b.open');
      const result = await caWithReadOnly(readOnly, scene, 'install', '--store', 'nss', '--json');
      expect(result.exitCode).toBe(1);
      expect(resultsOf(result).map(({ outcome, error }) => [outcome, error?.code])).toEqual([
        ['failed', 'E_STORE_READ_ONLY'],
        ['installed', undefined],
      ]);
    },
  );
});

const java = needs('keytool');
describe.skipIf(java.skip)(`Java${java.reason}`, () => {
  it(
    'has the root in the cacerts of JAVA_HOME until it is uninstalled, also after a rotation',
    { timeout: 90_000 },
    async () => {
      const { tapes, userHome } = set();
      const javaHome = join(tapes.dir, 'jdk');
      const keystore = join(javaHome, 'lib/security/cacerts');
      mkdirSync(join(javaHome, 'lib/security'), { recursive: true });
      mkdirSync(join(javaHome, 'bin'));
      const keytool = execFileSync('sh', ['-c', 'command -v keytool'], { encoding: 'utf8' }).trim();
      symlinkSync(keytool, join(javaHome, 'bin/keytool'));
      const store = ['-keystore', keystore, '-storepass', 'changeit'];
      execFileSync('keytool', ['-genkeypair', '-alias', 'other', '-dname', 'CN=other', '-keyalg', 'EC', ...store], {
        stdio: 'ignore',
      });
      const aliases = (): string[] =>
        execFileSync('keytool', ['-list', ...store], { encoding: 'utf8', stdio: ['ignore', 'pipe', 'ignore'] })
          .split('\n')
          .flatMap((line) => /^([\w-]+), .*Entry/.exec(line)?.[1] ?? []);
      const ca = (...args: string[]): Promise<RunResult> =>
        runTapes({ ...tapes, dir: join(tapes.dir, 'home') }, ['ca', ...args], {
          env: { ...env, HOME: userHome, JAVA_HOME: javaHome },
        });

      expect(outcomesOf(await ca('install', '--store', 'java', '--json'))).toEqual(['installed']);
      expect(aliases()).toEqual(['other', expect.stringMatching(/^tapes-local-root-[0-9a-f]{16}$/)]);
      expect(outcomesOf(await ca('install', '--store', 'java', '--json'))).toEqual(['already']);
      expect(outcomesOf(await ca('rotate', '--json'))).toEqual(['installed', 'removed']);
      expect(aliases()).toHaveLength(2);
      expect(outcomesOf(await ca('uninstall', '--json'))).toEqual(['removed']);
      expect(aliases()).toEqual(['other']);
      execFileSync('keytool', ['-storepasswd', '-new', 'another1', ...store], { stdio: 'ignore' });
      const locked = await ca('install', '--store', 'java', '--json');
      expect(resultsOf(locked)[0]!.error).toMatchObject({
        code: 'E_STORE_LOCKED',
        hint: expect.stringContaining('in place of changeit'),
      });
    },
  );
});

const debian = needs('update-ca-certificates', 'dpkg', 'curl', 'openssl', 'tar');
const isRoot = process.getuid?.() === 0;
const whyNot = isRoot ? debian.reason : ' (skipped: not root)';
describe.skipIf(debian.skip || !isRoot)(`the system store of Debian${whyNot}`, () => {
  it(
    'makes curl and openssl trust the root for its domains alone, until it is uninstalled',
    { timeout: 120_000 },
    async () => {
      const { tapes, ca } = set();
      const putBack = keepStore(tapes.dir);
      closing.push(putBack);
      execFileSync('update-ca-certificates', { stdio: 'ignore', env }); // what else is waiting to be put in is not ours
      const before = describeStore();

      const dry = await ca('install', '--dry-run');
      expect(dry.stdout).toMatch(
        /\$ install -D -m 0644 \S+ \/usr\/local\/share\/ca-certificates\/tapes-local-root-FINGERPRINT\.crt\n/,
      );
      expect(dry.stdout).toMatch(/\$ \S*update-ca-certificates\n/);
      expect(describeStore()).toEqual(before);
      expect(readdirSync(tapes.dir)).not.toContain('home');

      expect(outcomesOf(await ca('install', '--json'))).toEqual(['installed']);
      const first = rootOf(tapes);
      expect(outcomesOf(await ca('install', '--json'))).toEqual(['already']);
      await expectTrust(tapes, first, true);
      expect(describeStore().java.filter((alias) => alias.includes('tapes'))).toEqual([]);

      expect(outcomesOf(await ca('rotate', '--json'))).toEqual(['installed', 'removed']);
      const second = rootOf(tapes);
      expect(second.certificatePem).not.toBe(first.certificatePem);
      await expectTrust(tapes, second, true);
      await expectTrust(tapes, first, false);

      expect(outcomesOf(await ca('uninstall', '--json'))).toEqual(['removed']);
      await expectTrust(tapes, second, false);
      expect(describeStore()).toEqual(before);
    },
  );

  it.skipIf(!canMount)(
    `that is read-only is told of, and left as it is${whyNoMount}`,
    { timeout: 60_000 },
    async () => {
      const scene = set();
      const before = describeStore();
      const result = await caWithReadOnly('/usr/local/share/ca-certificates', scene, 'install', '--json');
      expect(result.exitCode).toBe(1);
      expect(resultsOf(result)[0]!.error).toMatchObject({
        code: 'E_STORE_READ_ONLY',
        hint: expect.stringContaining('--store node'),
      });
      expect(describeStore()).toEqual(before);
    },
  );

  it.skipIf(setpriv.skip)(`without root rights and sudo says what to run as root${setpriv.reason}`, async () => {
    const { tapes } = set();
    const home = join(tapes.dir, 'home');
    mkdirSync(home, { mode: 0o700 });
    chmodSync(tapes.dir, 0o755);
    chownSync(home, 65_534, 65_534);
    const file = execFileSync('sh', ['-c', 'command -v setpriv'], { encoding: 'utf8' }).trim();
    const result = await run(
      file,
      [
        '--reuid=65534',
        '--regid=65534',
        '--clear-groups',
        process.execPath,
        tapesBin,
        'ca',
        'install',
        '--store',
        'system,node',
        '--json',
      ],
      { env: { PATH: '/nowhere', HOME: home, TAPES_HOME: home } },
    );
    expect(result.exitCode).toBe(1);
    const [system, node] = resultsOf(result);
    expect(system).toMatchObject({
      outcome: 'failed',
      message: expect.stringContaining('needs root rights, and there is no sudo here'),
      error: {
        code: 'E_STORE_NEEDS_ROOT',
        hint: expect.stringMatching(
          /^run as root: install -D .* && \S+update-ca-certificates.*; then, as yourself: tapes ca install --store system$/,
        ),
      },
    });
    expect(node!.outcome).toBe('advice');
  });
});

describe('below a path that a shell reads otherwise', () => {
  /** What stands behind the last "…: ". */
  const typedOf = (text: string, start: string): string => text.slice(text.indexOf(start));

  it(
    'what is said is what can be typed: a loose key, a loose folder, the root that is left',
    { timeout: 60_000 },
    async () => {
      const base = makeTapesHome();
      closing.push(base.remove);
      const tapes = { ...base, dir: join(base.dir, "it's a $HOME; of `two`") };
      const userHome = join(tapes.dir, 'user');
      makeNss(userHome, '.pki/nssdb');
      const ca = (...args: string[]): Promise<RunResult> =>
        runTapes(tapes, ['ca', ...args], { env: { ...env, HOME: userHome } });
      const type = (command: string): Promise<RunResult> => run('sh', ['-c', command], { env });

      expect((await ca('create')).exitCode).toBe(0);
      for (const [file, mode] of [
        ['ca/root-key.pem', 0o644],
        ['ca', 0o777],
      ] as const) {
        chmodSync(join(tapes.dir, file), mode);
        const { problem } = JSON.parse((await ca('status', '--store', 'node', '--json')).stdout) as {
          problem: { code: string; hint: string };
        };
        expect(problem.code).toBe('E_CA_PERMISSIONS');
        expect((await type(problem.hint)).exitCode).toBe(0);
      }
      const installed = await ca('install', '--store', 'nss,node');
      expect(installed.exitCode).toBe(0);
      const variable = await type(`${typedOf(installed.stdout, 'export NODE_EXTRA_CA_CERTS=').split('\n')[0]}
printf %s "$NODE_EXTRA_CA_CERTS"`);
      expect(variable.stdout).toBe(join(tapes.dir, 'ca/root.pem'));
      const removed = await ca('uninstall');
      expect((await type(typedOf(removed.stdout, 'rm -r '))).exitCode).toBe(0);
      expect(readdirSync(tapes.dir)).not.toContain('ca');
    },
  );
});

it.skipIf(setpriv.skip)(
  `a home that may be read and not written is told of, and is no bug${setpriv.reason}`,
  { timeout: 60_000 },
  async () => {
    const tapes = makeTapesHome();
    closing.push(tapes.remove);
    const nobody = 65_534;
    chownSync(tapes.dir, nobody, nobody);
    const asNobody = (...args: string[]): Promise<RunResult> =>
      run(
        'setpriv',
        [`--reuid=${nobody}`, `--regid=${nobody}`, '--clear-groups', process.execPath, tapesBin, ...args],
        {
          env: { ...env, HOME: tapes.dir, TAPES_HOME: tapes.dir },
        },
      );
    expect((await asNobody('ca', 'create')).exitCode).toBe(0);
    chmodSync(join(tapes.dir, 'ca'), 0o500);
    for (const [wanted, ...args] of [
      [1, 'ca', 'rotate'],
      [1, 'ca', 'install', '--store', 'java'],
      [125, 'proxy'],
      [125, 'intercept', '--', 'true'],
    ] as const) {
      const { exitCode, stderr } = await asNobody(...args);
      expect({ args, exitCode, stderr }).toEqual({
        args,
        exitCode: wanted,
        stderr: expect.stringMatching(/^tapes: cannot write .*\nhint: check owner, .*\[E_HOME_NOT_WRITABLE\]\n$/),
      });
    }
  },
);

async function expectTrust(tapes: TapesHome, root: Root, isTrusted: boolean): Promise<void> {
  const hosts = ['chatgpt.com', 'example.com'];
  const server = await startLeafServer(root, hosts);
  try {
    const found: Record<string, unknown> = {};
    for (const host of hosts) {
      const url = `https://${host}:${server.port}/`;
      const curl = await run('curl', ['-sS', '--noproxy', '*', '--resolve', `${host}:${server.port}:127.0.0.1`, url], {
        env,
      });
      const file = join(tapes.dir, `${host}.pem`);
      writeFileSync(file, makeLeaf(root, [host]).cert);
      const openssl = await run('openssl', ['verify', '-verify_hostname', host, file], { env });
      found[host] = { curl: curl.exitCode === 0, openssl: openssl.exitCode === 0 };
    }
    expect(found).toEqual({
      'chatgpt.com': { curl: isTrusted, openssl: isTrusted },
      'example.com': { curl: false, openssl: false },
    });
  } finally {
    server.close();
  }
}

/** Names and links in the store, its bundle, and what Java's store holds. */
function describeStore(): {
  readonly names: string[];
  readonly local: string[];
  readonly bundle: string;
  readonly java: string[];
} {
  const list = (folder: string): string[] =>
    execFileSync('ls', ['-1', folder], { encoding: 'utf8' }).trim().split('\n');
  const keystore = '/etc/ssl/certs/java/cacerts';
  const aliases = (): string[] => {
    try {
      const args = ['-list', '-keystore', keystore, '-storepass', 'changeit'];
      const text = execFileSync('keytool', args, { encoding: 'utf8', stdio: ['ignore', 'pipe', 'ignore'] });
      return text
        .split('\n')
        .flatMap((line) => /^(.+?), .*Entry/.exec(line)?.[1] ?? [])
        .sort();
    } catch {
      return [];
    }
  };
  return {
    names: list('/etc/ssl/certs'),
    local: list('/usr/local/share/ca-certificates'),
    bundle: readFileSync('/etc/ssl/certs/ca-certificates.crt', 'utf8'),
    java: aliases(),
  };
}

/** Keeps the machine's store, and gives what puts it back, whatever happened to it. */
function keepStore(folder: string): () => void {
  const file = join(folder, 'store.tar');
  const folders = ['etc/ssl/certs', 'usr/local/share/ca-certificates'];
  execFileSync('tar', ['-C', '/', '-cpf', file, ...folders]);
  const names = new Map(folders.map((name) => [name, new Set(readdirSync(`/${name}`))]));
  return () => {
    for (const [name, known] of names) {
      for (const found of readdirSync(`/${name}`)) if (!known.has(found)) rmSync(`/${name}/${found}`);
    }
    execFileSync('tar', ['-C', '/', '-xpf', file]);
  };
}
