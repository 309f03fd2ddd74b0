// Which root a standing proxy signs with, and that a shell which was told of one once goes on through whatever becomes of it: a rotation, another
// start, other options.
import { execFileSync } from 'node:child_process';
import { existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

import { afterEach, describe, expect, it } from 'vitest';

import { openRoot } from '../../src/ca/index.ts';
import { execCommand, startStandIn, text, toolCall } from '../support/chatgpt/index.ts';
import { codexBin, makeCodexHome } from '../support/codex.ts';
import { needs } from '../support/programs.ts';
import { run, start, type RunResult } from '../support/run.ts';
import {
  endProxy,
  launchProxy,
  proxyEnv,
  readProxyEnvironment,
  startProxy,
  type ProxyTestOptions,
  type RunningProxy,
} from '../support/standing-proxy.ts';
import { findTexts, makeTapesHome, readSessions, runTapes, type Scene } from '../support/tapes.ts';

const closing: (() => unknown)[] = [];
afterEach(async () => {
  for (const close of closing.splice(0).reverse()) await close();
});

async function set(hosts: readonly string[] = []): Promise<Scene> {
  const standIn = await startStandIn({ hosts, scenario: () => text('You said it') });
  const tapes = makeTapesHome();
  const codex = makeCodexHome();
  closing.push(() => standIn.close(), tapes.remove, codex.remove);
  return { standIn, tapes, codex };
}

async function stand(scene: Scene, more: Partial<ProxyTestOptions> = {}): Promise<RunningProxy> {
  const proxy = await startProxy({ ...scene, ...more });
  closing.push(() => endProxy(proxy));
  return proxy;
}

async function end(proxy: RunningProxy): Promise<string> {
  proxy.kill('SIGINT');
  return (await proxy.ended).stderr;
}

type Shell = Readonly<Record<string, string>>;

/** A client that trusts what the shell is told to trust, and nothing else: it gets through only where tapes signs. */
const reach = async (
  scene: Scene,
  shell: Shell,
  url = 'https://chatgpt.com/backend-api/codex/models',
): Promise<string> => {
  const args = ['-sS', '--max-time', '20', '--cacert', shell['CODEX_CA_CERTIFICATE']!, '-o', '/dev/null', url];
  const { exitCode, stderr } = await run('curl', args, { env: proxyEnv(scene.tapes, shell) });
  return exitCode === 0 ? 'reached' : `${exitCode}: ${stderr}`;
};

const exec = ({ codex }: Scene, shell: Shell, words: string): Promise<RunResult> =>
  run(codexBin().native, ['exec', '--skip-git-repo-check', words], {
    env: { ...codex.env, ...shell },
    cwd: codex.project,
  });

const ca = async (scene: Scene, ...args: string[]): Promise<void> => {
  const { exitCode, stderr } = await runTapes(scene.tapes, ['ca', ...args]);
  expect({ exitCode, stderr }).toEqual({ exitCode: 0, stderr: '' });
};

const countRoots = (file: string): number => readFileSync(file, 'utf8').match(/BEGIN CERTIFICATE/g)?.length ?? 0;

const tool = needs('curl', 'mkfifo');
describe.skipIf(tool.skip)(`a shell that has taken in what tapes env said${tool.reason}`, () => {
  it(
    'goes on through a rotation and another start, as one does that takes it in afterwards',
    { timeout: 120_000 },
    async () => {
      const scene = await set();
      // The user has roots of his own the first time, and no more the second time.
      const first = await stand(scene, { env: { CODEX_CA_CERTIFICATE: scene.standIn.caFile } });
      const one = first.environment;
      expect(await reach(scene, one)).toBe('reached');

      await ca(scene, 'rotate');
      const two = await readProxyEnvironment(scene.tapes);
      expect([await reach(scene, one), await reach(scene, two)]).toEqual(['reached', 'reached']);
      expect((await exec(scene, two, 'say it')).stdout).toBe('You said it\n');
      expect(await end(first)).not.toContain('refused the certificate');

      const second = await stand(scene);
      expect([await reach(scene, one), await reach(scene, two)]).toEqual(['reached', 'reached']);
      expect((await exec(scene, one, 'say it')).stdout).toBe('You said it\n');
      expect(await end(second)).not.toContain('refused the certificate');
      expect(await readSessions(scene.tapes)).toHaveLength(2);
    },
  );

  it('has a Codex that is at work go on, across a rotation and another start', { timeout: 90_000 }, async () => {
    const tapes = makeTapesHome();
    const codex = makeCodexHome();
    const [began, goOn] = ['began', 'go-on'].map((name) => join(tapes.dir, name)) as [string, string];
    execFileSync('mkfifo', [goOn]);
    const standIn = await startStandIn({
      scenario: (_call, index) =>
        index === 0 ? toolCall({ input: execCommand(`touch ${began}; cat ${goOn}`) }) : text('You said it'),
    });
    closing.push(() => standIn.close(), tapes.remove, codex.remove);
    const scene = { standIn, tapes, codex };
    const first = await stand(scene);
    const args = ['exec', '--skip-git-repo-check', '--dangerously-bypass-approvals-and-sandbox', 'say it'];
    const agent = start(codexBin().native, args, { env: { ...codex.env, ...first.environment }, cwd: codex.project });
    await expect.poll(() => existsSync(began), { timeout: 30_000 }).toBe(true);
    await ca(scene, 'rotate');
    await end(first);
    const second = await stand(scene);
    writeFileSync(goOn, 'now\n');
    expect(await agent.ended).toMatchObject({ exitCode: 0, stdout: 'You said it\n' });
    // Clients of it that live longer than a call have the earlier root in memory: told of, if they came back.
    const told = (await end(second)).split('\n').filter((line) => line.includes('refused the certificate'));
    for (const line of told) expect(line).toContain('was started before the root was another: then start it again');
    expect(new Set((await readSessions(tapes)).map(({ calls }) => calls))).toEqual(new Set([2]));
  });

  it(
    'stops trusting a root that is to be forgotten, beside roots that the user named, too',
    { timeout: 60_000 },
    async () => {
      const scene = await set();
      const first = await stand(scene, { env: { CODEX_CA_CERTIFICATE: scene.standIn.caFile } });
      await ca(scene, 'rotate', '--forget');
      expect(await reach(scene, first.environment)).toMatch(/^60: /);
      expect(countRoots(first.environment['CODEX_CA_CERTIFICATE']!)).toBe(2);
      await end(first);
      const second = await stand(scene);
      expect(await reach(scene, first.environment)).toBe('reached');
      await end(second);
    },
  );

  it(
    'goes on where the root is one of the proxy alone, of this one and of the next',
    { timeout: 120_000 },
    async () => {
      const scene = await set();
      const first = await stand(scene, { options: ['--ephemeral-ca'] });
      const shell = first.environment;
      expect(await reach(scene, shell)).toBe('reached');
      expect(findTexts(scene.tapes.dir, { key: 'PRIVATE KEY' })).toEqual([]);
      // A rotation of the root in the home is no business of this one.
      await ca(scene, 'create');
      await ca(scene, 'rotate');
      expect(await reach(scene, shell)).toBe('reached');
      await end(first);
      for (const options of [['--ephemeral-ca'], [], ['--ephemeral-ca']]) {
        const next = await stand(scene, { options });
        expect(await reach(scene, shell)).toBe('reached');
        await end(next);
      }
      expect(readdirSync(join(scene.tapes.dir, 'ca')).filter((name) => name.startsWith('ephemeral'))).toEqual([]);
    },
  );
});

it('a standing proxy says that its root is about to expire, once', async () => {
  const scene = await set();
  const longAgo = new Date(Date.now() - 710 * 86_400_000);
  await openRoot(join(scene.tapes.dir, 'ca'), ['chatgpt.com', 'api.openai.com'], longAgo);
  const proxy = await stand(scene);
  await proxy.said('the root expires in', 'stderr');
  const lines = (await end(proxy)).split('\n').filter((line) => line.includes('the root expires in'));
  expect(lines).toEqual([expect.stringMatching(/expires in 19 days, on .*; renew it: tapes ca rotate$/)]);
});

describe.skipIf(tool.skip)(`tapes proxy --host-name${tool.reason}`, () => {
  it('intercepts these hosts too, and no others', { timeout: 60_000 }, async () => {
    const scene = await set(['llm.example.com', 'other.test']);
    const { environment: shell } = await stand(scene, { options: ['--host-name', '*.example.com'] });
    expect(await reach(scene, shell)).toBe('reached');
    expect(await reach(scene, shell, 'https://llm.example.com/v1')).toBe('reached');
    // A NO_PROXY that would hide such a host is trimmed, as it is for the agents' own hosts.
    const { stdout } = await runTapes(scene.tapes, ['env', '--json'], {
      env: { NO_PROXY: 'localhost,llm.example.com' },
    });
    expect(JSON.parse(stdout)).toMatchObject({ variables: { NO_PROXY: 'localhost' } });
    // Tunnelled as it is: what the other end signs with is not trusted by who trusts tapes alone.
    expect(await reach(scene, shell, 'https://other.test/')).toMatch(/^60: /);
  });

  it('says what could not be permitted, before anything is listened on', async () => {
    const scene = await set();
    const { exitCode, stderr } = await launchProxy({ ...scene, options: ['--host-name', '*.com'] }).ended;
    expect(exitCode).toBe(125);
    expect(stderr).toContain('[E_HOST_NAME_INVALID]');
  });
});
