// A standing proxy with dumps: one file for its whole life, whoever passes, with whose run each exchange is, and nobody's secrets.
import { cpSync, existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { afterEach, expect, it } from 'vitest';

import { startStandIn, text } from '../support/chatgpt/index.ts';
import { codexBin, makeCodexHome, type CodexHome } from '../support/codex.ts';
import { run } from '../support/run.ts';
import { canMountSmallDisk, mountSmallDisk } from '../support/small-disk.ts';
import { endProxy, launchProxy, startProxy } from '../support/standing-proxy.ts';
import { findTexts, makeTapesHome, readCalls, readRuns, type TapesHome } from '../support/tapes.ts';
import { tshark, tsharkComplaints, tsharkFields } from '../support/tshark.ts';

const closing: (() => unknown)[] = [];
afterEach(async () => {
  for (const close of closing.splice(0).reverse()) await close();
});

function codexHome(options: Parameters<typeof makeCodexHome>[0] = {}): CodexHome {
  const codex = makeCodexHome(options);
  closing.push(codex.remove);
  return codex;
}

async function set(): Promise<{ standIn: Awaited<ReturnType<typeof startStandIn>>; tapes: TapesHome; folder: string }> {
  // What an agent was told to keep to itself comes back in an answer.
  const standIn = await startStandIn({ scenario: () => text('The word is kept-9f8E7d6C5b4A') });
  const tapes = makeTapesHome();
  closing.push(() => standIn.close(), tapes.remove);
  const folder = join(tapes.dir, 'dumps');
  mkdirSync(folder);
  return { standIn, tapes, folder };
}

it('is one dump of all its runs, which says whose each exchange is and shows no secret of any', async () => {
  const { standIn, tapes, folder } = await set();
  const [pcapng, txt] = [join(folder, 'all.pcapng'), join(folder, 'all.txt')];
  const [cipher, keys] = [join(tapes.dir, 'all-SECRET.pcapng'), join(tapes.dir, 'keys.log')];
  const options = ['--dump', pcapng, '--dump', txt, '--dump-tls', cipher, '--keylog', keys];
  const proxy = await startProxy({ standIn, tapes, options });
  closing.push(() => endProxy(proxy));
  const agents = [codexHome(), codexHome({ auth: 'apikey' })];
  const secret = { SERVICE_API_KEY: 'kept-9f8E7d6C5b4A' };
  for (const codex of agents) {
    const { stdout } = await run(codexBin().native, ['exec', '--skip-git-repo-check', 'say it'], {
      env: { ...codex.env, ...proxy.environment, ...secret },
      cwd: codex.project,
    });
    expect(stdout).toContain('The word is kept-9f8E7d6C5b4A');
  }
  proxy.kill('SIGTERM');
  const { stderr, exitCode } = await proxy.ended;
  expect(exitCode).toBe(0);
  expect(stderr).toMatch(/^tapes: warning: .*all-SECRET\.pcapng will hold the keys/m);
  for (const file of [pcapng, txt, cipher]) {
    expect(statSync(file).mode & 0o777).toBe(0o600);
    expect(stderr).toContain(`tapes: dumped ${statSync(file).size.toLocaleString('en-US')} bytes to ${file}\n`);
  }

  expect(tsharkComplaints(pcapng)).toEqual([]);
  const runs = (await readRuns(tapes)).filter(({ kind }) => kind === 'session');
  expect(runs).toHaveLength(2);
  const lines = readFileSync(txt, 'utf8');
  for (const { id } of runs) {
    expect(lines).toContain(`run ${id} of codex`);
    const said = tsharkFields(pcapng, `frame.comment contains "run ${id} of codex"`, 'frame.interface_name');
    expect(said.map(([leg]) => leg)).toEqual(expect.arrayContaining(['agent', 'provider']));
  }
  for (const { id } of await readCalls(tapes)) expect(lines).toContain(`call=${id}`);
  const [tokens] = [agents[0]!.tokens];
  expect(
    findTexts(folder, {
      access: tokens.accessToken,
      refresh: tokens.refreshToken,
      id: tokens.idToken,
      environment: secret.SERVICE_API_KEY,
      proxy: new URL(proxy.environment['HTTPS_PROXY']!).password,
    }),
  ).toEqual([]);

  const decrypted = tsharkFields(cipher, 'tls.handshake.type == 20', 'frame.interface_name').map(([leg]) => leg);
  expect(new Set(decrypted)).toEqual(new Set(['agent', 'provider']));
  expect(readFileSync(keys, 'utf8')).toMatch(/^SERVER_TRAFFIC_SECRET_0 /m);
  expect(tshark(pcapng, '-Y', 'http.response.code == 200').length).toBeGreaterThan(3);
});

it('goes round in a ring of files, each whole, while it stands', async () => {
  const { standIn, tapes, folder } = await set();
  const options = [
    '--dump',
    join(folder, 'all.pcapng'),
    '--dump-max-bytes',
    '40kB',
    '--dump-files',
    '2',
    '--no-record',
  ];
  const proxy = await startProxy({ standIn, tapes, options });
  closing.push(() => endProxy(proxy));
  const codex = codexHome();
  await run(codexBin().native, ['exec', '--skip-git-repo-check', 'say it'], {
    env: { ...codex.env, ...proxy.environment },
    cwd: codex.project,
  });
  await expect.poll(() => readdirSync(folder).some((name) => /_0000[2-9]_/.test(name)), { timeout: 10_000 }).toBe(true);
  // Copied first: while one is read, another may begin, and the oldest goes.
  const copies = mkdtempSync(join(tmpdir(), 'tapes-ring-'));
  closing.push(() => rmSync(copies, { recursive: true }));
  for (const file of readdirSync(folder).map((name) => join(folder, name))) {
    if (existsSync(file)) cpSync(file, join(copies, basename(file)));
  }
  const taken = readdirSync(copies);
  expect(taken.length).toBeGreaterThan(0);
  for (const name of taken) expect(tsharkComplaints(join(copies, name))).toEqual([]);
  proxy.kill('SIGTERM');
  await proxy.ended;
  expect(readdirSync(folder)).toHaveLength(2);
  expect(findTexts(folder, { access: codex.tokens.accessToken })).toEqual([]);
});

it('that cannot be written is told before it stands, and nothing is left', async () => {
  const { standIn, tapes, folder } = await set();
  const options = ['--dump', join(folder, 'a.txt'), '--dump', join(folder, 'none', 'b.har')];
  const { stderr, exitCode } = await launchProxy({ standIn, tapes, options }).ended;
  expect(stderr).toMatch(/b\.har cannot be written: .*\nhint: .*\[E_DUMP_UNUSABLE\]/);
  expect(exitCode).not.toBe(0);
  expect(readdirSync(folder)).toEqual([]);
});

it.skipIf(!canMountSmallDisk())(
  'that fills its disk (needs root, to mount a small one) is told at once, and the proxy stands',
  async () => {
    const { standIn, tapes } = await set();
    const disk = mountSmallDisk('64k')!;
    closing.push(() => disk.remove());
    const proxy = await startProxy({ standIn, tapes, options: ['--dump', join(disk.folder, 'all.pcapng')] });
    closing.push(() => endProxy(proxy));
    const codex = codexHome();
    const ask = (): Promise<{ stdout: string }> =>
      run(codexBin().native, ['exec', '--skip-git-repo-check', 'say it'], {
        env: { ...codex.env, ...proxy.environment },
        cwd: codex.project,
      });
    expect((await ask()).stdout).toContain('The word is');
    await proxy.said('all.pcapng ends early: ENOSPC', 'stderr');
    expect((await ask()).stdout).toContain('The word is');
    expect(tsharkComplaints(join(disk.folder, 'all.pcapng'))).toEqual([]);
  },
);
