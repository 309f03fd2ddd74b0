// The interactive Codex, unmodified, in a terminal under `tapes intercept -- codex`: what people type, and what must neither be
// seen by them nor be missed by us. Since 0.160 its traffic would go to a background daemon that outlives it.
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { delimiter, dirname, join } from 'node:path';

import { afterEach, describe, expect, it } from 'vitest';

import { compaction, hang, startStandIn, text, type StandIn, type StandInOptions } from '../support/chatgpt/index.ts';
import { codexBin, directEnv, makeCodexHome, type CodexHome } from '../support/codex.ts';
import { startConnectRelay, type ConnectRelay } from '../support/connect-relay.ts';
import { endProcesses, findProcesses } from '../support/processes.ts';
import { run } from '../support/run.ts';
import {
  interceptArgs,
  makeTapesHome,
  readRuns,
  readSessions,
  readShown,
  readTurns,
  runTapes,
  sceneEnv,
  type Scene,
} from '../support/tapes.ts';
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

/** `codex` on the PATH is what npm puts there. */
const searchPath = (env: Readonly<Record<string, string>>): Record<string, string> => ({
  ...env,
  PATH: [dirname(codexBin().wrapper), env['PATH']].join(delimiter),
});

async function openTapes(
  scene: Scene,
  argv: readonly string[] = ['codex'],
  options: readonly string[] = [],
): Promise<Terminal> {
  const terminal = await openTerminal(process.execPath, interceptArgs(scene, argv, options), {
    env: searchPath(sceneEnv(scene)),
    cwd: scene.codex.project,
  });
  closing.push(terminal.close);
  return terminal;
}

/** Codex without tapes; the relay decrypts nothing. */
async function openAlone({ standIn, codex }: Scene, relay: ConnectRelay): Promise<Terminal> {
  const env = searchPath({ ...codex.env, ...directEnv(relay.url, standIn.caFile) });
  const terminal = await openTerminal('codex', [], { env, cwd: codex.project });
  closing.push(terminal.close);
  return terminal;
}

async function openRelay(standIn: StandIn): Promise<ConnectRelay> {
  const relay = await startConnectRelay(standIn.port);
  closing.push(relay.close);
  return relay;
}

// While it still loads it shows only the second half, and takes what is typed then for a paste.
const composer = '← for agents · ? for shortcuts';

async function enter(terminal: Terminal, words: string): Promise<void> {
  await terminal.waitForScreen(composer);
  await terminal.type(words);
  await terminal.waitForScreen(`› ${words}`);
  await terminal.press('Enter');
}

async function prompt(terminal: Terminal, words: string, answer: string): Promise<void> {
  await enter(terminal, words);
  // "Worked for <1s" or an interruption: the TUI has taken in the end of the answer, too.
  await terminal.waitForScreen(new RegExp(`${answer}[^]*(Worked for|interrupted)`));
}

async function quit(terminal: Terminal): Promise<void> {
  await enter(terminal, '/quit');
  expect(await terminal.waitForExit()).toEqual({ exitCode: 0, signal: null });
}

const daemonFile = ({ dir }: CodexHome): string => join(dir, 'app-server-daemon', 'daemon.pid');

const daemonPid = (codex: CodexHome): number =>
  (JSON.parse(readFileSync(daemonFile(codex), 'utf8')) as { readonly pid: number }).pid;

/** As of a folder that Codex has never seen: no trust is settled. */
function forgetTrust({ dir }: CodexHome): void {
  const file = join(dir, 'config.toml');
  writeFileSync(file, readFileSync(file, 'utf8').replace(/^\[projects\.[^]*$/m, ''));
}

describe('the TUI', () => {
  it('works as ever, and every turn of it is recorded', async () => {
    const scene = await set({
      scenario: [text('First answer'), text('Second answer'), hang(), text('Third answer')],
    });
    forgetTrust(scene.codex);
    const terminal = await openTapes(scene);
    await terminal.waitForScreen('Trust this folder?');
    // Codex drops what is typed before it has settled, and this prompt is painted before that.
    const answerTrust = async (): Promise<string> => {
      await terminal.press('Enter');
      return terminal.screen();
    };
    await expect.poll(answerTrust, { interval: 200, timeout: 15_000 }).not.toContain('Trust this folder?');
    await prompt(terminal, 'prompt one', 'First answer');
    await prompt(terminal, 'prompt two', 'Second answer');
    await enter(terminal, 'prompt three');
    await terminal.waitForScreen('and on and on and on');
    await terminal.press('Escape');
    await terminal.waitForScreen('Conversation interrupted');
    await scene.standIn.waitFor(({ calls }) => calls.some(({ ended }) => ended === 'clientLeft'));
    await prompt(terminal, 'prompt four', 'Third answer');
    await quit(terminal);

    // The one line comes when the TUI has given the terminal back, and is all that we ever wrote there.
    const summary = 'tapes: recorded 4 calls in 4 turns of session ';
    await expect.poll(terminal.written).toContain(summary);
    const [painted, after] = terminal.written().split(summary) as [string, string];
    expect(painted).toContain('codex resume ');
    expect(painted).not.toMatch(/tapes|Failed to handle|mockttp/i);
    expect(after.replace(/^.*tapes show [0-9a-f-]+\s*/, '')).not.toMatch(/tapes/);

    // What the provider received is what was recorded, in order, with the words that were typed.
    const turns = await readTurns(scene.tapes);
    const sent = scene.standIn.calls.filter(({ kind }) => kind === 'turn');
    expect(turns.map((turn) => [turn.id, turn.prompt, turn.status, turn.calls.length])).toEqual(
      ['prompt one', 'prompt two', 'prompt three', 'prompt four'].map((words, index) => [
        sent[index]!.metadata['turn_id'],
        words,
        index === 2 ? 'aborted' : 'completed',
        1,
      ]),
    );
    expect(turns.flatMap(({ calls }) => calls).map(({ output }) => output.map((item) => item.text))).toEqual([
      ['First answer'],
      ['Second answer'],
      [expect.stringMatching(/^and on and on/)],
      ['Third answer'],
    ]);

    // The request for a title is a session of its own, and none of the user's.
    const [session, ...others] = await readSessions(scene.tapes);
    expect(others).toEqual([]);
    expect(session).toMatchObject({
      id: sent[0]!.metadata['session_id'],
      title: 'A stand-in title',
      cwd: scene.codex.project,
      threads: 1,
      turns: 4,
      calls: 4,
    });
    const title = scene.standIn.calls.find(({ kind }) => kind === 'title');
    const all = await readSessions(scene.tapes, '--all');
    expect(all.map(({ id }) => id).sort()).toEqual([session!.id, title!.metadata['session_id']].sort());
    const titles = await readShown(scene.tapes, String(title!.metadata['session_id']));
    expect(titles.threads.flatMap((thread) => thread.turns).flatMap(({ calls }) => calls)).toMatchObject([
      { kind: 'title', status: 'completed' },
    ]);
    const [recorded] = await readRuns(scene.tapes);
    expect(recorded).toMatchObject({ argv: ['codex'], status: 'ended', exitCode: 0, calls: 5, dropped: 0 });

    // Nothing is left behind.
    await terminal.close();
    expect(existsSync(daemonFile(scene.codex))).toBe(false);
    await expect.poll(() => findProcesses('CODEX_HOME', scene.codex.dir)).toEqual([]);
  });

  it('edits an earlier prompt and compacts on demand, which show as branches of the one thread', async () => {
    const scene = await set({
      scenario: [text('First answer'), text('Second answer'), text('Edited answer'), text('Last answer')],
      aside: (call) => (call.kind === 'compaction' ? compaction() : null),
    });
    const terminal = await openTapes(scene);
    await prompt(terminal, 'prompt one', 'First answer');
    await prompt(terminal, 'prompt two', 'Second answer');
    await terminal.press('Escape');
    await terminal.waitForScreen('esc again to edit previous message');
    await terminal.press('Escape');
    await terminal.waitForScreen('↵ rewind');
    await terminal.press('Enter');
    await terminal.waitForScreen(/reverted to this point[^]*› prompt two/);
    await terminal.type(' edited');
    await terminal.waitForScreen('› prompt two edited');
    await terminal.press('Enter');
    await terminal.waitForScreen(/Edited answer[^]*Worked for/);
    await enter(terminal, '/compact');
    await terminal.waitForScreen(/compacted/i);
    await prompt(terminal, 'prompt three', 'Last answer');
    await quit(terminal);

    const { threads } = await readShown(scene.tapes);
    const calls = threads.flatMap((thread) => thread.turns).flatMap((turn) => turn.calls);
    const [first, , edited, compact, last] = calls;
    expect(threads).toHaveLength(1);
    expect(calls.map(({ kind }) => kind)).toEqual(['turn', 'turn', 'turn', 'compaction', 'turn']);
    expect(calls.flatMap(({ id, branch }) => (branch === undefined ? [] : [[id, branch]]))).toEqual([
      [edited!.id, { reason: 'edit', fromCallId: first!.id }],
      [last!.id, { reason: 'compaction', fromCallId: compact!.id }],
    ]);
    const shown = (await runTapes(scene.tapes, ['show'])).stdout;
    expect(shown).toMatch(
      /↳ branch: goes on from [0-9a-f]+, without what was said after it\n\n› prompt two edited\n\nEdited answer/,
    );
    expect(shown).toMatch(/↳ branch: goes on from the summary of [0-9a-f]+\n\n› prompt three\n/);
  });

  it('gives the shell its prompt back on Ctrl-Z, and goes on with fg', async () => {
    const scene = await set({ scenario: [text('First answer'), text('Second answer')] });
    const script = join(scene.codex.root, 'run');
    const words = [process.execPath, ...interceptArgs(scene, ['codex'])].map((word) => `'${word}'`);
    writeFileSync(script, `#!/bin/sh\nexec ${words.join(' ')}\n`, { mode: 0o755 });
    const env = { ...searchPath(sceneEnv(scene)), PS1: 'shell> ' };
    const shell = await openTerminal('sh', ['-i'], { env, cwd: scene.codex.project });
    closing.push(shell.close);
    await shell.waitForScreen('shell>');
    await shell.type('../run');
    await shell.press('Enter');
    await prompt(shell, 'prompt one', 'First answer');
    await shell.press('C-z');
    await shell.waitForScreen(/Stopped[^]*shell>\s*$/);
    await shell.type('fg');
    await shell.press('Enter');
    await prompt(shell, 'prompt two', 'Second answer');
    await enter(shell, '/quit');
    await shell.waitForScreen(/tapes: recorded 2 calls in 2 turns[^]*shell>\s*$/);
    expect((await readTurns(scene.tapes)).map((turn) => turn.prompt)).toEqual(['prompt one', 'prompt two']);
    await shell.type('exit');
    await shell.press('Enter');
    expect(await shell.waitForExit()).toEqual({ exitCode: 0, signal: null });
  });

  it('ends when its window is closed in mid-stream, and what it had is kept', async () => {
    const scene = await set({ scenario: [hang()] });
    const terminal = await openTapes(scene);
    await enter(terminal, 'talk for ever');
    await terminal.waitForScreen('and on and on and on');
    await terminal.hangUp();
    await expect
      .poll(async () => (await readRuns(scene.tapes))[0], { timeout: 15_000 })
      .toMatchObject({ status: 'ended', exitCode: 129, signal: 'SIGHUP', dropped: 0 });
    const [turn, ...others] = await readTurns(scene.tapes);
    expect(others).toEqual([]);
    expect(turn).toMatchObject({ prompt: 'talk for ever', status: 'aborted' });
    expect(turn!.calls[0]!.output[0]!.text).toMatch(/^and on and on/);
    await expect.poll(() => findProcesses('CODEX_HOME', scene.codex.dir)).toEqual([]);
  });

  it('is told of a new window size', async () => {
    const scene = await set();
    const terminal = await openTapes(scene);
    const lineOfComposer = (shown: string): number => shown.split('\n').findIndex((line) => line.includes(composer));
    expect(lineOfComposer(await terminal.waitForScreen(composer))).toBe(39);
    await terminal.resize(90, 25);
    await expect.poll(async () => lineOfComposer(await terminal.screen())).toBe(24);
    await terminal.resize(100, 50);
    await expect.poll(async () => lineOfComposer(await terminal.screen())).toBe(49);
    await quit(terminal);
  });

  it('--verbose says before it starts that it is kept in one process, and why', async () => {
    const scene = await set();
    const terminal = await openTapes(scene, ['codex'], ['--verbose']);
    await terminal.waitForScreen(composer);
    const written = terminal.written();
    const line = 'tapes: running codex with --no-daemon: its background process would carry the traffic past tapes';
    expect(written).toContain(line);
    expect(written.indexOf(line)).toBeLessThan(written.indexOf('\u001B['));
    await quit(terminal);
  });
});

describe('a daemon', () => {
  it('alive from before carries none of the traffic, and is unharmed', async () => {
    const scene = await set({
      scenario: (call) => text(call.text.includes('asked of the daemon') ? 'Said before' : 'Said now'),
    });
    const relay = await openRelay(scene.standIn);
    const before = await openAlone(scene, relay);
    await prompt(before, 'asked of the daemon', 'Said before');
    await quit(before);
    const pid = daemonPid(scene.codex);
    expect(findProcesses('CODEX_HOME', scene.codex.dir).map((found) => found.pid)).toContain(pid);

    const earlier = scene.standIn.calls.length;
    const terminal = await openTapes(scene);
    await prompt(terminal, 'asked now', 'Said now');
    await quit(terminal);
    const sent = scene.standIn.calls.slice(earlier);
    expect((await readTurns(scene.tapes)).map((turn) => [turn.prompt, turn.id])).toEqual([
      ['asked now', sent.find(({ kind }) => kind === 'turn')!.metadata['turn_id']],
    ]);
    expect((await readRuns(scene.tapes))[0]).toMatchObject({ calls: sent.length, exitCode: 0, dropped: 0 });

    expect(daemonPid(scene.codex)).toBe(pid);
    const after = await openAlone(scene, relay);
    await prompt(after, 'asked of the daemon again', 'Said before');
    await quit(after);
    expect(daemonPid(scene.codex)).toBe(pid);
    expect((await readRuns(scene.tapes)).length).toBe(1);
  });

  it('that starts after a run, with the next plain codex, works as if tapes had never been', async () => {
    const scene = await set({
      scenario: (call) => text(call.text.includes('asked without tapes') ? 'Said without' : 'Said with'),
    });
    const terminal = await openTapes(scene);
    await prompt(terminal, 'asked with tapes', 'Said with');
    await quit(terminal);
    const recorded = await readRuns(scene.tapes);

    const relay = await openRelay(scene.standIn);
    const alone = await openAlone(scene, relay);
    await prompt(alone, 'asked without tapes', 'Said without');
    await quit(alone);
    expect(findProcesses('CODEX_HOME', scene.codex.dir).map(({ pid }) => pid)).toContain(daemonPid(scene.codex));
    expect(relay.connects).toContain('chatgpt.com:443');
    expect(await readRuns(scene.tapes)).toEqual(recorded);
  });

  it('that a Codex without --no-daemon would use is told of before anything starts', async () => {
    const scene = await set();
    mkdirSync(dirname(daemonFile(scene.codex)));
    writeFileSync(daemonFile(scene.codex), JSON.stringify({ pid: process.pid }));
    const bin = join(scene.codex.root, 'old');
    mkdirSync(bin);
    const old = '#!/bin/sh\n[ "$1" = --no-daemon ] && exit 2\necho STARTED\n';
    writeFileSync(join(bin, 'codex'), old, { mode: 0o755 });
    const env = { ...sceneEnv(scene), PATH: [bin, scene.codex.env['PATH']].join(delimiter) };
    const refused = await run(process.execPath, interceptArgs(scene, ['codex']), { env, cwd: scene.codex.project });
    expect(refused).toMatchObject({ exitCode: 125, stdout: '' });
    expect(refused.stderr).toContain(`(pid ${process.pid})`);
    expect(refused.stderr).toContain('hint: end it first: codex app-server daemon stop');
    expect(refused.stderr).toContain('[E_AGENT_DAEMON]');

    // With none alive it is started as it is.
    writeFileSync(daemonFile(scene.codex), '');
    const started = await run(process.execPath, interceptArgs(scene, ['codex']), { env, cwd: scene.codex.project });
    expect(started).toMatchObject({ exitCode: 0, stdout: 'STARTED\n' });
  });
});
