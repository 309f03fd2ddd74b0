// The interactive Codex and its background daemon, as users have them with a standing proxy: a daemon keeps for its whole life the environment
// that it was started with, so it is pointed at the proxy on purpose, and never left on a dead port.
import { readFileSync } from 'node:fs';
import { delimiter, dirname, join } from 'node:path';

import { afterEach, describe, expect, it } from 'vitest';

import { execCommand, hang, startStandIn, text, toolCall, type StandInOptions } from '../support/chatgpt/index.ts';
import { codexBin, directEnv, makeCodexHome, type CodexHome } from '../support/codex.ts';
import { startConnectRelay } from '../support/connect-relay.ts';
import { endProcesses, findProcesses } from '../support/processes.ts';
import { run, start } from '../support/run.ts';
import {
  endProxy,
  proxyEnv,
  readProxyEnvironment,
  startProxy,
  type ProxyTestOptions,
  type RunningProxy,
} from '../support/standing-proxy.ts';
import { makeTapesHome, readRuns, readSessions, readTurns, tapesBin, type Scene } from '../support/tapes.ts';
import { openTerminal, type Terminal } from '../support/tmux.ts';

const closing: (() => unknown)[] = [];
afterEach(async () => {
  for (const close of closing.splice(0).reverse()) await close();
});

async function set(options: StandInOptions = {}): Promise<Scene> {
  // The TUI asks GitHub for a tip of the day; in tests that stays on loopback, too.
  const standIn = await startStandIn({ hosts: ['raw.githubusercontent.com'], ...options });
  const codex = makeCodexHome();
  const tapes = makeTapesHome();
  closing.push(
    () => standIn.close(),
    tapes.remove,
    codex.remove,
    // A daemon outlives the TUI that started it.
    () => endProcesses('CODEX_HOME', codex.dir),
  );
  return { standIn, codex, tapes };
}

const searchPath = (path = ''): string => [dirname(codexBin().wrapper), path].join(delimiter);

/** As started by somebody whose Codex home this is. */
async function stand(scene: Scene, more: Partial<ProxyTestOptions> = {}): Promise<RunningProxy> {
  const env = { ...scene.codex.env, TAPES_HOME: scene.tapes.dir, PATH: searchPath(scene.codex.env['PATH']) };
  const proxy = await startProxy({ ...scene, env, ...more });
  closing.push(() => endProxy(proxy));
  return proxy;
}

async function openCodex({ codex }: Scene, env: Readonly<Record<string, string>>): Promise<Terminal> {
  const terminal = await openTerminal('codex', [], {
    env: { ...codex.env, ...env, PATH: searchPath(codex.env['PATH']) },
    cwd: codex.project,
  });
  closing.push(terminal.close);
  return terminal;
}

const composer = '← for agents · ? for shortcuts';

async function enter(terminal: Terminal, words: string): Promise<void> {
  await terminal.waitForScreen(composer);
  await terminal.type(words);
  await terminal.waitForScreen(`› ${words}`);
  await terminal.press('Enter');
}

async function prompt(terminal: Terminal, words: string, answer: string): Promise<void> {
  await enter(terminal, words);
  await terminal.waitForScreen(new RegExp(`${answer}[^]*(Worked for|interrupted)`));
}

async function quit(terminal: Terminal): Promise<void> {
  await enter(terminal, '/quit');
  expect(await terminal.waitForExit()).toEqual({ exitCode: 0, signal: null });
}

const daemonPid = ({ dir }: CodexHome): number =>
  (JSON.parse(readFileSync(join(dir, 'app-server-daemon', 'daemon.pid'), 'utf8')) as { readonly pid: number }).pid;

const isAlive = (codex: CodexHome, pid: number): boolean =>
  findProcesses('CODEX_HOME', codex.dir).some((found) => found.pid === pid);

describe('a daemon under a standing proxy', () => {
  it('sends all through it, each session a run of its own, and is ended with the proxy', async () => {
    const scene = await set({ scenario: [text('First answer'), text('Second answer'), text('Third answer')] });
    const proxy = await stand(scene);
    const terminal = await openCodex(scene, proxy.environment);
    await prompt(terminal, 'prompt one', 'First answer');
    await enter(terminal, '/new');
    await terminal.waitForScreen('Where should the new conversation run?');
    await terminal.press('Enter');
    await prompt(terminal, 'prompt two', 'Second answer');
    await quit(terminal);
    const pid = daemonPid(scene.codex);
    expect(isAlive(scene.codex, pid)).toBe(true);

    const sent = scene.standIn.calls.filter(({ kind }) => kind === 'turn');
    const sessions = await readSessions(scene.tapes);
    expect(sessions.map(({ id, agent, cwd, title }) => ({ id, agent, cwd, title }))).toEqual(
      sent.toReversed().map((call) => ({
        id: call.metadata['session_id'],
        agent: 'codex',
        cwd: scene.codex.project,
        title: 'A stand-in title',
      })),
    );
    const runs = await readRuns(scene.tapes);
    expect(runs.map(({ kind, agent, status, calls, cwd }) => ({ kind, agent, status, calls, cwd }))).toEqual(
      [1, 2].map(() => ({
        kind: 'session',
        agent: 'codex',
        status: 'running',
        calls: 1,
        cwd: scene.codex.project,
      })),
    );

    proxy.kill('SIGINT');
    const { exitCode, stderr } = await proxy.ended;
    expect(exitCode).toBe(0);
    expect(stderr).toMatch(
      /tapes: recorded 1 call in 1 turn of session [^]*tapes: recorded 1 call in 1 turn of session /,
    );
    await expect.poll(() => isAlive(scene.codex, pid)).toBe(false);
    // The next Codex, without tapes, works: it finds no daemon that waits for a dead port.
    const relay = await startConnectRelay(scene.standIn.port);
    closing.push(relay.close);
    const after = await openCodex(scene, directEnv(relay.url, scene.standIn.caFile));
    await prompt(after, 'prompt three', 'Third answer');
    await quit(after);
    expect((await readRuns(scene.tapes)).length).toBe(2);
  });

  it('with a turn in flight is let finish it, and then ended', async () => {
    const tool = toolCall({ input: execCommand('sleep 1') });
    const scene = await set({ scenario: [tool, text('The end of it')] });
    const proxy = await stand(scene);
    const terminal = await openCodex(scene, proxy.environment);
    await enter(terminal, 'take your time');
    await scene.standIn.waitFor(({ calls }) => calls.some(({ kind }) => kind === 'turn'));
    const pid = daemonPid(scene.codex);
    proxy.kill('SIGTERM');
    const { exitCode, stderr } = await proxy.ended;
    // Between its two calls nothing was open: it was the daemon that was waited for.
    expect({ exitCode, stderr }).toMatchObject({
      exitCode: 0,
      stderr: expect.stringContaining('tapes: recorded 2 calls in 1 turn of session ') as string,
    });
    expect(isAlive(scene.codex, pid)).toBe(false);
    expect((await readTurns(scene.tapes)).map(({ status, calls }) => [status, calls.length])).toEqual([
      ['completed', 2],
    ]);
  });

  it('whose turn has no end is ended with the proxy, as soon as it is told to stop at once', async () => {
    const scene = await set({ scenario: [hang()] });
    const proxy = await stand(scene, { options: ['--verbose'] });
    const terminal = await openCodex(scene, proxy.environment);
    await enter(terminal, 'talk for ever');
    await terminal.waitForScreen('and on and on and on');
    const pid = daemonPid(scene.codex);
    proxy.kill('SIGINT');
    await proxy.said('stopping', 'stderr');
    proxy.kill('SIGINT');
    const { exitCode, stderr } = await proxy.ended;
    expect(exitCode).toBe(0);
    expect(stderr).toContain(`codex has ended its background process (pid ${pid})`);
    expect(isAlive(scene.codex, pid)).toBe(false);
    expect(await readTurns(scene.tapes)).toMatchObject([
      { prompt: 'talk for ever', calls: [{ status: 'interrupted' }] },
    ]);
  });

  it('goes on when the proxy is started again after kill -9, and no call of it is lost', async () => {
    const scene = await set({ scenario: [text('First answer'), text('Second answer')] });
    const first = await stand(scene);
    const terminal = await openCodex(scene, first.environment);
    await prompt(terminal, 'prompt one', 'First answer');
    const pid = daemonPid(scene.codex);
    await expect.poll(async () => (await readRuns(scene.tapes)).map(({ calls }) => calls)).toEqual([1]);
    await endProxy(first);
    const second = await stand(scene);
    expect(second.environment).toEqual(first.environment);
    await prompt(terminal, 'prompt two', 'Second answer');
    await quit(terminal);
    expect(daemonPid(scene.codex)).toBe(pid);
    // It is known to be pointed at this proxy, and nothing is said of it.
    expect(second.stderr).not.toContain('background');
    expect((await readTurns(scene.tapes)).map((turn) => [turn.prompt, turn.status])).toEqual([
      ['prompt one', 'completed'],
      ['prompt two', 'completed'],
    ]);
    expect((await readRuns(scene.tapes)).map(({ status, calls }) => [status, calls])).toEqual([
      ['running', 1],
      ['interrupted', 1],
    ]);
    second.kill('SIGINT');
    expect((await second.ended).exitCode).toBe(0);
    expect(isAlive(scene.codex, pid)).toBe(false);
  });

  it('that was started without it is told of, and what is to be typed puts it right', async () => {
    const scene = await set({ scenario: [text('Said without'), text('Said with')] });
    const relay = await startConnectRelay(scene.standIn.port);
    closing.push(relay.close);
    const before = await openCodex(scene, directEnv(relay.url, scene.standIn.caFile));
    await prompt(before, 'asked without', 'Said without');
    await quit(before);
    const pid = daemonPid(scene.codex);

    const proxy = await stand(scene);
    await proxy.said(`a background process of codex (pid ${pid}) was started without this proxy`, 'stderr');
    const [, command = ''] = /starts another: (.+)$/m.exec(proxy.stderr)!;
    const typed = await run('sh', ['-c', command], {
      env: { ...scene.codex.env, PATH: searchPath(scene.codex.env['PATH']) },
    });
    expect(typed.exitCode).toBe(0);
    expect(isAlive(scene.codex, pid)).toBe(false);

    const terminal = await openCodex(scene, proxy.environment);
    await prompt(terminal, 'asked with', 'Said with');
    await quit(terminal);
    expect((await readTurns(scene.tapes)).map((turn) => turn.prompt)).toEqual(['asked with']);
  });
});

it('a standing proxy whose window is closed finishes as it does on Ctrl-C', async () => {
  const scene = await set({ scenario: [text('Said in time', { delayMs: 100 })] });
  const env = { ...proxyEnv(scene.tapes), TERM: 'xterm-256color' };
  const terminal = await openTerminal(process.execPath, [tapesBin, 'proxy', ...scene.standIn.resolveArgs()], {
    env,
    cwd: scene.tapes.dir,
  });
  closing.push(terminal.close);
  await terminal.waitForScreen('until Ctrl-C');
  const codex = start(codexBin().native, ['exec', '--skip-git-repo-check', 'say it'], {
    env: { ...scene.codex.env, ...(await readProxyEnvironment(scene.tapes)) },
    cwd: scene.codex.project,
  });
  await scene.standIn.waitFor(({ calls }) => calls.some(({ kind }) => kind === 'turn'));
  await terminal.hangUp();
  expect(await codex.ended).toMatchObject({ stdout: 'Said in time\n', exitCode: 0 });
  await expect
    .poll(async () => (await readRuns(scene.tapes))[0])
    .toMatchObject({ status: 'ended', calls: 1, dropped: 0 });
  await expect.poll(() => readFileSync(join(scene.tapes.dir, 'proxy.json'), 'utf8')).toContain('"process": null');
  expect((await readTurns(scene.tapes)).map(({ status }) => status)).toEqual(['completed']);
});
