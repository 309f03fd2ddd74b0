// Which root a run signs with, as an agent meets it: while the root is rotated, for further hosts, and with a key that is nowhere.
import { execFileSync } from 'node:child_process';
import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, describe, expect, it } from 'vitest';
import { startStandIn } from '../support/chatgpt/index.ts';
import { makeCodexHome } from '../support/codex.ts';
import { needs } from '../support/programs.ts';
import { run, start, type RunResult } from '../support/run.ts';
import {
  findTexts,
  interceptArgs,
  makeTapesHome,
  readCalls,
  runCodex,
  runTapes,
  sceneEnv,
  type Scene,
} from '../support/tapes.ts';

const closing: (() => unknown)[] = [];
afterEach(async () => {
  for (const close of closing.splice(0).reverse()) await close();
});

async function set(hosts: readonly string[] = []): Promise<Scene> {
  const standIn = await startStandIn({ hosts });
  const codex = makeCodexHome();
  const tapes = makeTapesHome();
  closing.push(() => standIn.close(), codex.remove, tapes.remove);
  return { standIn, codex, tapes };
}

/** A client that trusts what the agent is told to trust, and nothing else: it gets through only where tapes signs. */
const fetchLine = (url: string): string =>
  `curl -sS --max-time 20 --cacert "$CODEX_CA_CERTIFICATE" -o /dev/null ${url} && echo "${url} reached" || echo "${url} refused: $?"`;

const intercept = (scene: Scene, script: string, ...options: string[]): Promise<RunResult> =>
  run(process.execPath, interceptArgs(scene, ['sh', '-c', script], options), {
    cwd: scene.codex.project,
    env: sceneEnv(scene),
  });

const tool = needs('certutil', 'curl', 'mkfifo');
describe.skipIf(tool.skip)(`a rotation while an agent runs${tool.reason}`, () => {
  it(
    'breaks nothing: the agent goes on by the earlier root, the next one by the new',
    { timeout: 60_000 },
    async () => {
      const scene = await set();
      const nssFolder = join(scene.codex.env['HOME']!, '.pki/nssdb');
      mkdirSync(nssFolder, { recursive: true });
      execFileSync('certutil', ['-N', '-d', `sql:${nssFolder}`, '--empty-password']);
      const ca = async (...args: string[]): Promise<{ stores: { outcome: string }[]; runsOnEarlier?: number[] }> => {
        const { stdout, stderr } = await runTapes(scene.tapes, ['ca', ...args, '--json'], { env: sceneEnv(scene) });
        expect(stderr).toBe('');
        return JSON.parse(stdout) as { stores: { outcome: string }[]; runsOnEarlier?: number[] };
      };
      expect((await ca('install', '--store', 'nss')).stores).toMatchObject([{ outcome: 'installed' }]);

      const gate = join(scene.tapes.dir, 'gate');
      execFileSync('mkfifo', [gate]);
      const url = 'https://chatgpt.com/backend-api/codex/models';
      const script = `${fetchLine(url)}; read line < ${gate}; ${fetchLine(url)}`;
      const running = start(process.execPath, interceptArgs(scene, ['sh', '-c', script]), {
        cwd: scene.codex.project,
        env: sceneEnv(scene),
      });
      await running.said(`${url} reached`);

      const rotated = await ca('rotate');
      expect(rotated.stores.map(({ outcome }) => outcome)).toEqual(['installed', 'kept']);
      expect(rotated.runsOnEarlier).toEqual([running.pid]);
      // A second agent signs with the new root, while the first one still has the earlier.
      expect((await intercept(scene, fetchLine(url))).stdout).toBe(`${url} reached\n`);
      writeFileSync(gate, 'go on\n');
      const ended = await running.ended;
      expect(ended).toMatchObject({ exitCode: 0, stdout: `${url} reached\n${url} reached\n` });

      expect((await ca('uninstall', '--earlier')).stores.map(({ outcome }) => outcome)).toEqual(['removed']);
      expect((await ca('uninstall')).stores.map(({ outcome }) => outcome)).toEqual(['removed']);
      expect(execFileSync('certutil', ['-L', '-d', `sql:${nssFolder}`], { encoding: 'utf8' })).not.toContain('tapes');
    },
  );
});

describe('--host-name', () => {
  const urls = ['https://chatgpt.com/backend-api/codex/models', 'https://llm.example.com/v1', 'https://other.test/'];
  const script = urls.map(fetchLine).join('; ');
  const [own, further, other] = urls as [string, string, string];

  it(
    'intercepts these hosts too, with a new root where the one before does not permit them',
    { timeout: 60_000 },
    async () => {
      const scene = await set(['llm.example.com', 'other.test']);
      const before = await intercept(scene, script);
      expect(before.stdout).toBe(`${own} reached\n${further} refused: 60\n${other} refused: 60\n`);
      const after = await intercept(scene, script, '--host-name', '*.example.com', '--verbose');
      expect(after.stdout).toBe(`${own} reached\n${further} reached\n${other} refused: 60\n`);
      expect(after.stderr).toContain('made a new root, which permits chatgpt.com, api.openai.com, example.com');
      // NO_PROXY that would hide such a host is taken out for the agent, as for the agent's own hosts.
      const hidden = await run(
        process.execPath,
        interceptArgs(scene, ['sh', '-c', script], ['--host-name', '*.example.com']),
        {
          cwd: scene.codex.project,
          env: { ...sceneEnv(scene), NO_PROXY: 'llm.example.com' },
        },
      );
      expect(hidden.stdout).toBe(after.stdout);
    },
  );

  it.skipIf(tool.skip)(
    'says that the root must be rotated where it is installed, and then works',
    { timeout: 60_000 },
    async () => {
      const scene = await set(['llm.example.com']);
      const nssFolder = join(scene.codex.env['HOME']!, '.pki/nssdb');
      mkdirSync(nssFolder, { recursive: true });
      execFileSync('certutil', ['-N', '-d', `sql:${nssFolder}`, '--empty-password']);
      const tapes = (...args: string[]): Promise<RunResult> => runTapes(scene.tapes, args, { env: sceneEnv(scene) });
      await tapes('ca', 'install', '--store', 'nss');
      const refused = await intercept(scene, `touch ${scene.tapes.dir}/ran`, '--host-name', 'llm.example.com');
      expect(refused).toMatchObject({ exitCode: 125, stdout: '' });
      expect(refused.stderr).toMatch(/does not permit llm\.example\.com: what a root may sign is fixed/);
      expect(refused.stderr).toContain('tapes ca rotate --host-name llm.example.com  [E_CA_CONSTRAINTS]');
      expect(existsSync(join(scene.tapes.dir, 'ran'))).toBe(false);
      expect((await tapes('ca', 'rotate', '--host-name', 'llm.example.com')).exitCode).toBe(0);
      const works = await intercept(scene, fetchLine(further), '--host-name', 'llm.example.com');
      expect(works.stdout).toBe(`${further} reached\n`);
      expect((await tapes('ca', 'uninstall')).exitCode).toBe(0);
    },
  );

  it('that no root could permit is an error that says why', async () => {
    const scene = await set();
    const { exitCode, stderr } = await intercept(scene, 'true', '--host-name', '*.com');
    expect(exitCode).toBe(125);
    expect(stderr).toContain(
      '--host-name *.com cannot be permitted: it would let the root sign for every name below .com',
    );
    for (const glob of ['*.co.uk', 'co.uk', '*.GitHub.io']) {
      const wide = await intercept(scene, 'true', '--host-name', glob);
      expect(wide.exitCode).toBe(125);
      expect(wide.stderr).toMatch(
        /^tapes: --host-name \S+ cannot be permitted: below (co\.uk|github\.io) anybody can have a name/,
      );
      expect(wide.stderr).toContain(
        "hint: name hosts as --host-name llm.example.com or --host-name '*.example.com'  [",
      );
    }
    expect(existsSync(join(scene.tapes.dir, 'ca'))).toBe(false);
  });
});

describe('--ephemeral-ca', () => {
  it(
    'records the real Codex with a root whose key is on no disk, and leaves no trace of it',
    { timeout: 60_000 },
    async () => {
      const scene = await set();
      const result = await runCodex(scene, ['exec', '--skip-git-repo-check', 'say hello'], {
        options: ['--ephemeral-ca'],
      });
      expect(result.exitCode).toBe(0);
      expect((await readCalls(scene.tapes)).length).toBeGreaterThan(0);
      expect(readdirSync(join(scene.tapes.dir, 'ca'))).toEqual([]);
      const during = await intercept(scene, 'cat "$CODEX_CA_CERTIFICATE"; ls "$TAPES_HOME/ca"', '--ephemeral-ca');
      expect(during.stdout).toMatch(/-----END CERTIFICATE-----\nephemeral-\w+\.pem\n$/);
      // The words themselves stand in the engine's compiled code; no key begins there.
      const keys = findTexts(scene.tapes.dir, { key: 'PRIVATE KEY-----\nM' });
      expect(keys).toEqual([]);
      // The certificate goes also where the command cannot be run at all.
      writeFileSync(join(scene.tapes.dir, 'tapes.db'), 'no database'.repeat(1000));
      expect((await intercept(scene, 'true', '--ephemeral-ca')).exitCode).toBe(125);
      expect(readdirSync(join(scene.tapes.dir, 'ca'))).toEqual([]);
    },
  );
});

describe('a root that is about to expire', () => {
  it('is told of by doctor with the next command', { timeout: 30_000 }, async () => {
    const scene = await set();
    await intercept(scene, 'true');
    const certificate = join(scene.tapes.dir, 'ca/root.pem');
    const key = join(scene.tapes.dir, 'ca/root-key.pem');
    // The same key in a certificate that ends in 20 days.
    const pem = execFileSync(
      'openssl',
      [
        'req',
        '-x509',
        '-new',
        '-key',
        key,
        '-subj',
        '/CN=tapes local root',
        '-days',
        '20',
        '-addext',
        'nameConstraints=critical,permitted;DNS:chatgpt.com,permitted;DNS:api.openai.com',
      ],
      { encoding: 'utf8' },
    );
    writeFileSync(certificate, pem);
    expect(readFileSync(certificate, 'utf8')).toContain('BEGIN CERTIFICATE');
    const doctor = await runTapes(scene.tapes, ['doctor'], { env: sceneEnv(scene) });
    expect(doctor.stdout).toMatch(/note {2}root .*expires in (19|20) days, on .*tapes ca rotate/);
    const status = await runTapes(scene.tapes, ['ca', 'status', '--store', 'node'], { env: sceneEnv(scene) });
    expect(status.stdout).toMatch(/note {2}the root expires in (19|20) days.*tapes ca rotate/);
    const warned = await intercept(scene, 'true');
    expect(warned.stderr).toMatch(/tapes: the root expires in (19|20) days, on .*; renew it: tapes ca rotate/);
  });
});
