// `tapes doctor --fix`: mends what is its user's own and safe to mend, says what it did, and leaves the rest as it was.
import { execFileSync } from 'node:child_process';
import { chmodSync, mkdirSync, readFileSync, readdirSync, statSync, utimesSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { afterEach, describe, expect, it } from 'vitest';
import { openRoot } from '../../src/ca/index.ts';
import { codexBin, makeCodexHome } from '../support/codex.ts';
import { endProcesses, findProcesses } from '../support/processes.ts';
import { run as runProgram, start } from '../support/run.ts';
import { makeTapesHome, runTapes, tapesBin, type TapesHome } from '../support/tapes.ts';

interface Check {
  readonly name: string;
  readonly status: string;
  readonly message: string;
  readonly hint?: string;
  readonly mended?: string;
}

const closing: (() => unknown)[] = [];
afterEach(() => {
  for (const close of closing.splice(0).reverse()) close();
});

const domains = ['chatgpt.com', 'api.openai.com'];
const modeOf = (...path: string[]): string => (statSync(join(...path)).mode & 0o777).toString(8);

function set(): { tapes: TapesHome; env: Record<string, string> } {
  const tapes = makeTapesHome();
  const codex = makeCodexHome();
  closing.push(tapes.remove, codex.remove);
  const path = `${dirname(codexBin().wrapper)}:${dirname(process.execPath)}:${process.env['PATH'] ?? ''}`;
  return { tapes, env: { ...codex.env, PATH: path } };
}

async function examine(
  tapes: TapesHome,
  env: Record<string, string>,
  ...args: string[]
): Promise<{ exitCode: number | null; checks: Map<string, Check> }> {
  const { exitCode, stdout } = await runTapes(tapes, ['doctor', '--json', ...args], { env });
  const { checks } = JSON.parse(stdout) as { checks: Check[] };
  return { exitCode, checks: new Map(checks.map((check) => [check.name, check])) };
}

describe('tapes doctor --fix', () => {
  it('closes what others may read: home, key, mask key, database', async () => {
    const { tapes, env } = set();
    await runTapes(tapes, ['intercept', '--quiet', '--', 'true'], { env });
    chmodSync(tapes.dir, 0o755);
    for (const name of ['ca/root-key.pem', 'mask.key', 'tapes.db']) chmodSync(join(tapes.dir, name), 0o644);
    chmodSync(join(tapes.dir, 'ca'), 0o755);

    const before = await examine(tapes, env);
    expect(before.exitCode).toBe(1);
    expect(before.checks.get('home')).toMatchObject({ status: 'warn', hint: `chmod 700 ${tapes.dir}` });
    expect(before.checks.get('root')).toMatchObject({ status: 'fail', hint: expect.stringContaining('chmod 600') });
    expect(modeOf(tapes.dir)).toBe('755');

    const after = await examine(tapes, env, '--fix');
    expect(after.exitCode).toBe(0);
    for (const name of ['home', 'root']) expect(after.checks.get(name)!.status).toBe('ok');
    expect(after.checks.get('home')!.mended).toContain(`chmod 600 ${join(tapes.dir, 'mask.key')}`);
    expect(after.checks.get('root')!.mended).toBe(`chmod 600 ${join(tapes.dir, 'ca/root-key.pem')}`);
    expect([modeOf(tapes.dir), modeOf(tapes.dir, 'ca')]).toEqual(['700', '700']);
    for (const name of ['ca/root-key.pem', 'mask.key', 'tapes.db']) expect(modeOf(tapes.dir, name)).toBe('600');
    const again = await examine(tapes, env, '--fix');
    expect([...again.checks.values()].flatMap(({ mended }) => mended ?? [])).toEqual([]);
  });

  it('says it in the text, too', async () => {
    const { tapes, env } = set();
    chmodSync(tapes.dir, 0o750);
    const { stdout, exitCode } = await runTapes(tapes, ['doctor', '--fix'], { env });
    expect(exitCode).toBe(0);
    expect(stdout).toMatch(/^ok {4}home .*\n +mended: chmod 700 /m);
  });

  it.each([
    [
      'expired',
      async (ca: string) =>
        void (await openRoot(ca, domains, new Date(Date.now() - 800 * 86_400_000)).catch(() => null)),
    ],
    ['soon expired', async (ca: string) => void (await openRoot(ca, domains, new Date(Date.now() - 715 * 86_400_000)))],
    [
      'damaged',
      async (ca: string) => {
        const { certificateFile } = await openRoot(ca, domains);
        writeFileSync(certificateFile, 'no certificate');
      },
    ],
  ])('makes a new root in place of one that is %s', async (_what, spoil) => {
    const { tapes, env } = set();
    const ca = join(tapes.dir, 'ca');
    await spoil(ca);
    const old = readFileSync(join(ca, 'root.pem'), 'utf8');
    const { exitCode, checks } = await examine(tapes, env, '--fix');
    expect({ exitCode, root: checks.get('root') }).toMatchObject({
      exitCode: 0,
      root: { status: 'ok', mended: expect.stringContaining('made a new root') },
    });
    expect(readFileSync(join(ca, 'root.pem'), 'utf8')).not.toBe(old);
  });

  it('mends what only shows once something else is mended: a loose key of an expired root', async () => {
    const { tapes, env } = set();
    const ca = join(tapes.dir, 'ca');
    await openRoot(ca, domains, new Date(Date.now() - 800 * 86_400_000));
    chmodSync(join(ca, 'root-key.pem'), 0o644);
    const { exitCode, checks } = await examine(tapes, env, '--fix');
    expect({ exitCode, root: checks.get('root') }).toMatchObject({
      exitCode: 0,
      root: { status: 'ok', mended: expect.stringMatching(/^chmod 600 .*; made a new root/) },
    });
  });

  it('leaves a root alone that a trust store has, and names the command that changes both', async () => {
    const { tapes, env } = set();
    const database = join(env['HOME']!, '.pki/nssdb');
    mkdirSync(database, { recursive: true });
    execFileSync('certutil', ['-N', '-d', `sql:${database}`, '--empty-password']);
    const installed = await runTapes(tapes, ['ca', 'install', '--store', 'nss'], { env });
    expect(installed).toMatchObject({ exitCode: 0 });
    writeFileSync(join(tapes.dir, 'ca/root.pem'), 'no certificate');

    const { exitCode, checks } = await examine(tapes, env, '--fix');
    expect(exitCode).toBe(1);
    expect(checks.get('root')).toMatchObject({
      status: 'fail',
      message: expect.stringMatching(/not mended: the root is installed \(.*nssdb\)/),
      hint: expect.stringContaining('tapes ca rotate'),
    });
    expect(readFileSync(join(tapes.dir, 'ca/root.pem'), 'utf8')).toBe('no certificate');
  });

  it('makes a new root under a run that goes on, and the agent of that run is still told of the old one', async () => {
    const { tapes, env } = set();
    const ca = join(tapes.dir, 'ca');
    const { certificatePem } = await openRoot(ca, domains, new Date(Date.now() - 715 * 86_400_000));
    const running = start(
      process.execPath,
      [tapesBin, 'intercept', '--quiet', '--', 'sh', '-c', 'echo up; exec sleep 60'],
      { env: { ...env, TAPES_HOME: tapes.dir } },
    );
    closing.push(() => running.kill('SIGKILL'));
    await running.said('up');
    const { checks } = await examine(tapes, env, '--fix');
    expect(checks.get('root')).toMatchObject({ status: 'ok', mended: expect.stringContaining('made a new root') });
    const told = readFileSync(join(ca, 'root.pem'), 'utf8');
    expect(told).toContain(certificatePem.trim());
    expect(told.match(/BEGIN CERTIFICATE/g)).toHaveLength(2);
    running.kill('SIGTERM');
    await running.ended;
  });

  it('takes away drafts with a key in them, once nobody can be at work on them, and a mask key that is none', async () => {
    const { tapes, env } = set();
    const [old, young] = ['a', 'b'].map((digit) => join(tapes.dir, `ca.${digit.repeat(20)}`)) as [string, string];
    for (const draft of [old, young]) {
      mkdirSync(draft);
      writeFileSync(join(draft, 'root-key.pem'), 'a key');
    }
    const before = new Date(Date.now() - 3_600_000);
    utimesSync(old, before, before);
    writeFileSync(join(tapes.dir, 'mask.key'), 'short', { mode: 0o600 });
    const look = await examine(tapes, env);
    expect(look.checks.get('home')).toMatchObject({ status: 'fail', message: expect.stringContaining('32 bytes') });
    const { exitCode, checks } = await examine(tapes, env, '--fix');
    expect({ exitCode, home: checks.get('home') }).toMatchObject({ exitCode: 0, home: { status: 'ok' } });
    expect(checks.get('home')!.mended).toContain(`removed ${old}`);
    const names = readdirSync(tapes.dir);
    expect(names).toContain('ca.bbbbbbbbbbbbbbbbbbbb');
    expect(names).not.toContain('ca.aaaaaaaaaaaaaaaaaaaa');
    expect(names.some((name) => name.startsWith('mask.key.old-'))).toBe(true);
    expect((await runTapes(tapes, ['intercept', '--quiet', '--', 'true'], { env })).exitCode).toBe(0);
  });

  it('stops a real Codex daemon that waits for a proxy that has ended', async () => {
    const { tapes, env } = set();
    closing.push(() => endProcesses('CODEX_HOME', env['CODEX_HOME']!));
    const dead = 'http://tapes:secret-of-a-run@127.0.0.1:1';
    const started = await runProgram(codexBin().native, ['app-server', 'daemon', 'start'], {
      env: { ...env, HTTPS_PROXY: dead },
    });
    const { pid } = JSON.parse(started.stdout) as { pid: number };
    const before = await examine(tapes, env);
    expect(before.checks.get('daemon')).toMatchObject({
      status: 'warn',
      message: `pid ${pid} was started under a proxy that has ended (127.0.0.1:1): the agent waits for the network in vain`,
      hint: 'codex app-server daemon stop',
    });
    const after = await examine(tapes, env, '--fix');
    expect(after.checks.get('daemon')).toMatchObject({
      status: 'ok',
      message: 'none is running',
      mended: `ended pid ${pid}: codex app-server daemon stop`,
    });
    expect(findProcesses('CODEX_HOME', env['CODEX_HOME']!).map((found) => found.pid)).not.toContain(pid);
  });

  it('leaves what cannot be mended as it is, with its hint', async () => {
    const { tapes, env } = set();
    writeFileSync(join(tapes.dir, 'tapes.db'), 'not a database'.repeat(100), { mode: 0o600 });
    const { exitCode, checks } = await examine(tapes, { ...env, PATH: '/nowhere', ALL_PROXY: 'socks4://x:1' }, '--fix');
    expect(exitCode).toBe(1);
    for (const name of ['database', 'agent', 'proxy variables']) {
      expect(checks.get(name)).toMatchObject({ status: 'fail', hint: expect.any(String) });
      expect(checks.get(name)).not.toHaveProperty('mended');
    }
    expect(readFileSync(join(tapes.dir, 'tapes.db'), 'utf8')).toBe('not a database'.repeat(100));
    expect(execFileSync('ls', [tapes.dir], { encoding: 'utf8' })).toBe('tapes.db\n');
  });
});
