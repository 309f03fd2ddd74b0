// Failures of ours while an agent runs: its traffic goes on, what completed is kept, and what was lost is told once, at the end.
// The agent is curl here: what counts is what it gets back.
import { existsSync, writeFileSync } from 'node:fs';
import { readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterEach, describe, expect, it } from 'vitest';
import Database from 'better-sqlite3';
import { hang, text, type StandInOptions } from '../support/chatgpt/index.ts';
import { countAnswers, post, postedBody, setCurlScene, startScript, type CurlScene } from '../support/curl-scene.ts';
import { needs } from '../support/programs.ts';
import type { RunResult } from '../support/run.ts';
import { readCalls, readRuns, readTurns, runTapes, type TapesHome } from '../support/tapes.ts';

const closing: (() => unknown)[] = [];
afterEach(async () => {
  for (const close of closing.splice(0).reverse()) await close();
});

const set = (options: StandInOptions = {}): Promise<CurlScene> => setCurlScene(closing, options);

function expectAnswers(result: RunResult, count: number): void {
  expect(countAnswers(result)).toBe(count);
  expect(result.exitCode).toBe(0);
}

const dbFile = ({ tapes }: { tapes: TapesHome }): string => join(tapes.dir, 'tapes.db');

function lock(file: string): () => void {
  const db = new Database(file).exec('BEGIN EXCLUSIVE');
  return () => void db.exec('ROLLBACK').close();
}

describe('the database', () => {
  it('locked by another process for a while: nothing is lost', async () => {
    const scene = await set({ scenario: () => text('Hello') });
    await startScript(scene, post()).ended;
    const unlock = lock(dbFile(scene));
    const running = startScript(scene, `${post()}; touch asked; ${post()}`);
    await expect.poll(() => existsSync(join(scene.tapes.dir, 'asked')), { timeout: 20_000 }).toBe(true);
    unlock();
    expectAnswers(await running.ended, 2);
    const [run] = await readRuns(scene.tapes);
    expect(run).toMatchObject({ calls: 2, dropped: 0 });
  });

  it('removed while a run goes on: what is gone with it is told, and not said to be recorded', async () => {
    const scene = await set({ scenario: () => text('Hello') });
    const result = await startScript(scene, `${post()}; rm "$TAPES_HOME"/tapes.db*; ${post()}`).ended;
    expectAnswers(result, 2);
    expect(result.stderr).toContain(`the database ${dbFile(scene)} was moved or removed`);
    expect(result.stderr).not.toContain('recorded 2 calls');
  });

  it('locked to the end: the agent is not held up, and the loss is told', async () => {
    const scene = await set({ scenario: () => text('Hello') });
    await startScript(scene, post()).ended;
    const unlock = lock(dbFile(scene));
    const result = await startScript(scene, post()).ended;
    unlock();
    expectAnswers(result, 1);
    expect(result.stderr).toMatch(/tapes: saw 1 call .*\ntapes: .*locked.*\d+ events? lost/);
    expect(result.stderr).not.toContain('recorded');
    expect(result.durationMs).toBeLessThan(30_000);
  });

  it('locked to the end, with --quiet: only the loss is told', async () => {
    const scene = await set({ scenario: () => text('Hello') });
    await startScript(scene, post()).ended;
    const unlock = lock(dbFile(scene));
    const options = [...scene.standIn.resolveArgs(), '--quiet'];
    const result = await startScript(scene, post(), { options }).ended;
    unlock();
    expectAnswers(result, 1);
    expect(result.stderr).toMatch(/^tapes: [^\n]*locked[^\n]*: \d+ events? lost\n$/);
  });

  it('deleted while the agent runs: the agent is not disturbed', async () => {
    const scene = await set({ scenario: () => text('Hello') });
    const running = startScript(scene, `${post()}; rm -f tapes.db tapes.db-wal tapes.db-shm; ${post()}`);
    expectAnswers(await running.ended, 2);
  });

  it('overwritten with noise while the agent runs: the agent is not disturbed, and it is told', async () => {
    const scene = await set({ scenario: () => text('Hello') });
    const running = startScript(
      scene,
      `${post()}; sleep 0.5; head -c 200000 /dev/urandom > tapes.db; : > tapes.db-wal; ${post()}; ${post()}`,
    );
    const result = await running.ended;
    expectAnswers(result, 3);
    expect(result.stderr).toMatch(/^tapes: the database is corrupt: \d+ events lost/m);
  });

  it('on a full disk: the agent is not disturbed, and the loss is told', async () => {
    const scene = await set({ scenario: () => text('Hello') });
    await startScript(scene, post()).ended;
    const big = join(scene.tapes.dir, 'big.json');
    // Text that does not compress, beyond what the file-size limit below leaves for the database.
    const noise = Buffer.from(Array.from({ length: 600_000 }, () => 33 + Math.floor(Math.random() * 90)))
      .toString('latin1')
      .replaceAll(/["\\<>&'@]/g, 'x');
    await writeFile(
      big,
      JSON.stringify({
        model: 'gpt-test',
        input: [{ type: 'message', role: 'user', content: [{ type: 'input_text', text: noise }] }],
      }),
    );
    const limited = (argv: readonly string[]): readonly string[] => [
      'sh',
      '-c',
      'trap "" XFSZ; ulimit -f 600; exec "$@"',
      'sh',
      ...argv,
    ];
    const result = await startScript(scene, `${post().replace(/-d '[^']*'/, '-d @big.json')}; ${post()}`, {
      wrap: limited,
    }).ended;
    expectAnswers(result, 2);
    expect(result.stderr).toMatch(/tapes: .*(full|disk|I\/O)/i);
    expect((await runTapes(scene.tapes, ['sessions'])).exitCode).toBe(0);
  });
});

describe('kill -9', () => {
  it('keeps completed calls and what the open one had so far, which the next run marks as interrupted', async () => {
    const scene = await set({ scenario: (_call, index) => (index === 0 ? text('Whole answer') : hang()) });
    const running = startScript(scene, `${post()}; exec ${post()}`);
    await scene.standIn.waitFor(({ calls }) => (calls[1]?.sentEvents.length ?? 0) > 8);
    await expect
      .poll(async () => (await readCalls(scene.tapes).catch(() => [])).map(({ status }) => status), { timeout: 10_000 })
      .toEqual(['completed', 'streaming']);
    running.kill('SIGKILL');
    await running.ended;

    expect((await readRuns(scene.tapes))[0]).toMatchObject({ status: 'interrupted', exitCode: null });
    await startScript(scene, 'true').ended;
    const calls = await readCalls(scene.tapes);
    expect(calls.map(({ status }) => status)).toEqual(['completed', 'interrupted']);
    expect(calls[1]!.output[0]!.text!.length).toBeGreaterThan(3);
    const raw = await runTapes(scene.tapes, ['raw', calls[1]!.id, '--response']);
    expect(raw.stdout).toMatch(/^event: response\.created/);
  });
});

describe('a request body', () => {
  it('that cannot be decoded is kept as it came, with the reason', async () => {
    const scene = await set({ scenario: () => text('Hello') });
    const result = await startScript(scene, `${post("-H 'content-encoding: zstd'")}; true`).ended;
    expect(result.exitCode).toBe(0);
    const [call] = await readCalls(scene.tapes);
    expect(call!.requestWireBytes).toBe(Buffer.byteLength(postedBody));
    const raw = await runTapes(scene.tapes, ['raw', call!.id, '--request']);
    expect(raw.stdout).toBe(postedBody);
    expect(raw.stderr).toMatch(/zstd/);
  });

  it('without any ids still makes a session and a turn', async () => {
    const scene = await set({ scenario: () => text('Hello') });
    await startScript(scene, post()).ended;
    const [turn] = await readTurns(scene.tapes);
    expect(turn).toMatchObject({ prompt: 'hello from curl', status: 'completed' });
  });
});

describe('a program that does not trust the root', () => {
  it('fails as it would, and the summary says why', async () => {
    const scene = await set();
    const result = await startScript(scene, post().replace('--cacert "$CODEX_CA_CERTIFICATE"', '')).ended;
    expect(result.exitCode).toBe(60);
    expect(result.stderr).toMatch(/tapes: a program refused the certificate for chatgpt\.com/);
  });
});

describe('a proxy that is left behind', () => {
  const setsid = needs('setsid');
  it.skipIf(setsid.skip)(
    `by a daemon of a session of its own does not keep tapes from ending; its proxy is gone then${setsid.reason}`,
    async () => {
      const scene = await set();
      // Twice forked, as daemons are: its first call passes while the child runs, the second one comes after tapes has ended.
      const daemon = `${post()} > first; touch asked; while kill -0 "$TAPES_PID" 2>/dev/null; do sleep 0.05; done; ${post()} > second 2> refused; echo $? > code`;
      writeFileSync(join(scene.tapes.dir, 'daemon.sh'), daemon);
      const running = startScript(
        scene,
        `export TAPES_PID=$PPID; (setsid sh daemon.sh < /dev/null > /dev/null 2>&1 &); while [ ! -e asked ]; do sleep 0.05; done; echo done`,
      );
      const result = await running.ended;
      expect(result).toMatchObject({ exitCode: 0, stdout: 'done\n' });
      expect(result.durationMs).toBeLessThan(30_000);
      await expect.poll(() => existsSync(join(scene.tapes.dir, 'code')), { timeout: 20_000 }).toBe(true);
      expect(await readFile(join(scene.tapes.dir, 'first'), 'utf8')).toContain('response.completed');
      // curl's code for a proxy that cannot be connected to.
      await expect.poll(() => readFile(join(scene.tapes.dir, 'code'), 'utf8')).toBe('7\n');
      expect(await readCalls(scene.tapes)).toMatchObject([{ status: 'completed' }]);
    },
  );

  it('by a grandchild does not keep tapes from ending', async () => {
    const scene = await set({ scenario: () => hang() });
    const running = startScript(
      scene,
      `${post()} > streamed 2>&1 & echo $! > pid; while ! grep -q delta streamed; do sleep 0.05; done; echo done`,
    );
    const result = await running.ended;
    expect(result.stdout).toContain('done');
    expect(result.durationMs).toBeLessThan(30_000);
    const [call] = await readCalls(scene.tapes);
    expect(['aborted', 'interrupted', 'truncated']).toContain(call!.status);
    expect((await readFile(join(scene.tapes.dir, 'pid'), 'utf8')).trim()).toMatch(/^\d+$/);
    await rm(join(scene.tapes.dir, 'pid'));
  });
});
