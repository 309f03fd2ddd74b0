// `tapes doctor` on a machine where all is well, and on machines where something is not.
import { chmod, mkdir, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { afterEach, describe, expect, it } from 'vitest';
import { codexBin, makeCodexHome } from '../support/codex.ts';
import type { RunResult } from '../support/run.ts';
import { makeTapesHome, runTapes, type TapesHome } from '../support/tapes.ts';

const closing: (() => unknown)[] = [];
afterEach(() => {
  for (const close of closing.splice(0).reverse()) close();
});

interface Check {
  readonly name: string;
  readonly status: string;
  readonly message: string;
  readonly hint?: string;
  readonly durationMs: number;
}

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
): Promise<{ run: RunResult; checks: Map<string, Check> }> {
  const run = await runTapes(tapes, ['doctor', '--json'], { env });
  const { checks } = JSON.parse(run.stdout) as { checks: Check[] };
  return { run, checks: new Map(checks.map((check) => [check.name, check])) };
}

describe('tapes doctor', () => {
  it('finds everything in place with the real Codex, makes its round trip, and leaves nothing behind', async () => {
    const { tapes, env } = set();
    const { run, checks } = await examine(tapes, env);
    expect(run).toMatchObject({ exitCode: 0, stderr: '' });
    expect([...checks.values()].map(({ name, status }) => [name, status])).toEqual(
      [
        'node',
        'home',
        'database',
        'root',
        'agent',
        'daemon',
        'standing proxy',
        'proxy variables',
        'trust variables',
        'round trip',
      ].map((name) => [name, 'ok']),
    );
    expect(checks.get('agent')!.message).toContain('codex-cli 0.169.0');
    expect(checks.get('round trip')!.message).toContain('HTTP/1.1 200 OK');
    for (const { durationMs } of checks.values()) expect(durationMs).toBeGreaterThanOrEqual(0);
    const text = await runTapes(tapes, ['doctor'], { env });
    expect(text.stdout).toMatch(/^ok {4}node {13}Node \d+/);
    expect(text.stdout).toContain('\neverything is in place\n');
    // Looking makes no home, no root and no database.
    const { readdirSync } = await import('node:fs');
    expect(readdirSync(tapes.dir)).toEqual([]);
  });

  it('looks at the root and the database of earlier runs', async () => {
    const { tapes, env } = set();
    expect((await runTapes(tapes, ['intercept', '--quiet', '--', 'true'])).exitCode).toBe(0);
    const { checks } = await examine(tapes, env);
    expect(checks.get('root')!.message).toMatch(/valid until \d{4}-\d\d-\d\d, for chatgpt.com and api.openai.com only/);
    expect(checks.get('database')!.message).toMatch(/tapes.db, \d+\.\d MB/);
  });

  it('fails, with the next command, where something is not in place', async () => {
    const { tapes, env } = set();
    await runTapes(tapes, ['intercept', '--quiet', '--', 'true']);
    await chmod(join(tapes.dir, 'ca/root-key.pem'), 0o644);
    await writeFile(join(tapes.dir, 'tapes.db'), 'not a database'.repeat(100));
    const { run, checks } = await examine(tapes, {
      ...env,
      PATH: '/nowhere',
      CODEX_CA_CERTIFICATE: '/no/such.pem',
      ALL_PROXY: 'socks4://x:1',
    });
    expect(run.exitCode).toBe(1);
    for (const [name, words] of [
      ['root', /chmod 600/],
      ['database', /./],
      ['agent', /npm install -g @openai\/codex/],
      ['trust variables', /CODEX_CA_CERTIFICATE/],
      ['proxy variables', /--upstream-proxy/],
    ] as const) {
      expect({ name, ...checks.get(name) }).toMatchObject({ name, status: 'fail', hint: expect.stringMatching(words) });
    }
  });

  it('tells of variables that would get in the way', async () => {
    const { tapes, env } = set();
    const { run, checks } = await examine(tapes, {
      ...env,
      NO_PROXY: '*',
      HTTPS_PROXY: 'http://user:secret-password@proxy.example:3128',
    });
    expect(checks.get('proxy variables')).toMatchObject({
      status: 'warn',
      message: expect.stringContaining('NO_PROXY'),
    });
    const { checks: proxied } = await examine(tapes, {
      ...env,
      HTTPS_PROXY: 'http://user:secret-password@proxy.example:3128',
    });
    expect(proxied.get('proxy variables')).toMatchObject({
      status: 'ok',
      message: expect.stringContaining('proxy.example:3128'),
    });
    expect(run.stdout + JSON.stringify([...proxied.values()])).not.toContain('secret-password');
  });

  it('tells of a living daemon, and whether tapes can go around it', async () => {
    const { tapes, env } = set();
    const folder = join(env['CODEX_HOME']!, 'app-server-daemon');
    await mkdir(folder, { recursive: true });
    await writeFile(join(folder, 'daemon.pid'), JSON.stringify({ pid: process.pid }));
    const { checks } = await examine(tapes, env);
    expect(checks.get('daemon')).toMatchObject({ status: 'ok', message: expect.stringContaining('--no-daemon') });
  });
});
