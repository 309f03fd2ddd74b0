// What `tapes doctor` says of the standing proxy, and that a shell which leads through it is looked at as a run from it would go.
import { join } from 'node:path';
import { afterEach, describe, expect, it } from 'vitest';

import { openRoot } from '../../src/ca/index.ts';
import { startStandIn } from '../support/chatgpt/index.ts';
import { endProxy, startProxy } from '../support/standing-proxy.ts';
import { makeTapesHome, runTapes, type TapesHome } from '../support/tapes.ts';

const closing: (() => unknown)[] = [];
afterEach(async () => {
  for (const close of closing.splice(0).reverse()) await close();
});

type Checks = Readonly<Record<string, { readonly status: string; readonly message: string; readonly hint?: string }>>;

async function examine(
  tapes: TapesHome,
  args: readonly string[] = [],
  env: Record<string, string> = {},
): Promise<Checks> {
  const { stdout } = await runTapes(tapes, ['doctor', '--json', ...args], { env });
  const { checks } = JSON.parse(stdout) as { checks: { name: string; status: string; message: string }[] };
  return Object.fromEntries(checks.map(({ name, ...check }) => [name, check]));
}

function home(): TapesHome {
  const tapes = makeTapesHome();
  closing.push(tapes.remove);
  return tapes;
}

describe('tapes doctor and the standing proxy', () => {
  it('says whether it runs, answers, and is where this shell leads', { timeout: 60_000 }, async () => {
    const tapes = home();
    const standIn = await startStandIn();
    closing.push(() => standIn.close());
    const proxy = await startProxy({ tapes, standIn });
    closing.push(() => endProxy(proxy));
    const shell = { ...proxy.environment };

    expect((await examine(tapes))['standing proxy']).toMatchObject({
      status: 'ok',
      message: expect.stringMatching(`answers on port ${proxy.port}; this shell does not lead through it$`),
    });
    const led = await examine(tapes, [], { ...shell, TAPES_SAVED_HTTPS_PROXY: 'http://proxy.example:3128' });
    expect(led['standing proxy']).toMatchObject({ status: 'ok', message: expect.stringMatching('; this shell leads') });
    // The user's own way and roots, not those of the standing proxy.
    expect(led['proxy variables']!.message).toBe('upstream goes through http://proxy.example:3128');
    expect(led['trust variables']!.message).toBe('none is set');

    proxy.kill('SIGSTOP');
    const stuck = (await examine(tapes))['standing proxy'];
    proxy.kill('SIGCONT');
    expect(stuck).toMatchObject({
      status: 'fail',
      message: expect.stringMatching(`port ${proxy.port} does not answer`),
      hint: `end it and start another: kill ${proxy.pid}; tapes proxy`,
    });

    proxy.kill('SIGTERM');
    await proxy.ended;
    expect((await examine(tapes))['standing proxy']).toEqual({
      status: 'ok',
      message: 'none is running',
      durationMs: expect.any(Number),
    });
    expect((await examine(tapes, [], shell))['standing proxy']).toMatchObject({
      status: 'fail',
      message: `none is running, and this shell leads to port ${proxy.port}: codex started from it gets no answer`,
      hint: expect.stringContaining('tapes env --unset'),
    });
  });
});

describe('a clock that cannot be right', () => {
  it('is told of by doctor, status and a dry run, and no root is made for it', { timeout: 30_000 }, async () => {
    const tapes = home();
    const later = new Date(Date.now() + 400 * 86_400_000);
    const { fingerprint } = await openRoot(join(tapes.dir, 'ca'), ['chatgpt.com', 'api.openai.com'], later);
    const { root } = await examine(tapes, ['--fix']);
    expect(root).toMatchObject({ status: 'fail', message: expect.stringMatching('the clock of this machine says') });
    const status = await runTapes(tapes, ['ca', 'status', '--store', 'node', '--json']);
    expect(status.exitCode).toBe(1);
    expect(JSON.parse(status.stdout)).toMatchObject({ problem: { code: 'E_CLOCK_WRONG' }, root: { fingerprint } });
    const dry = await runTapes(tapes, ['ca', 'install', '--store', 'node', '--dry-run']);
    expect(dry.stderr).toContain('[E_CLOCK_WRONG]');
  });
});
