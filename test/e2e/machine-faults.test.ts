// Failures of the machine while an agent runs under tapes: the agent's run ends as it would by itself, what completed is recorded, and a loss is told.
import { spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { connect, createServer, type AddressInfo } from 'node:net';
import { join, resolve } from 'node:path';
import { afterEach, describe, expect, it } from 'vitest';
import { text, type StandInOptions } from '../support/chatgpt/index.ts';
import { countAnswers, post, postedBody, setCurlScene, startScript, type CurlScene } from '../support/curl-scene.ts';
import { canMountSmallDisk } from '../support/small-disk.ts';
import { readCalls, readRuns, runTapes } from '../support/tapes.ts';

const closing: (() => unknown)[] = [];
afterEach(async () => {
  for (const close of closing.splice(0).reverse()) await close();
});

const set = (options: StandInOptions = {}): Promise<CurlScene> => setCurlScene(closing, options);
const hello: StandInOptions = { scenario: () => text('Hello') };

const canMount = canMountSmallDisk();
const needsMount = canMount ? '' : ' (skipped: cannot mount here)';

/** The scene's home becomes a file system of its own, of this size. */
function mountHome({ tapes }: CurlScene, size: string): void {
  const mounted = spawnSync('mount', ['-t', 'tmpfs', '-o', `size=${size},mode=0700`, 'tmpfs', tapes.dir]);
  expect(mounted.stderr.toString()).toBe('');
  closing.push(() => spawnSync('umount', ['-l', tapes.dir]));
}

describe.skipIf(!canMount)(`the home's disk${needsMount}`, () => {
  it('full while the agent runs: the agent goes on, and the loss is told', async () => {
    const scene = await set(hello);
    mountHome(scene, '4m');
    const fill = 'head -c 8000000 /dev/zero > filler 2>/dev/null';
    const result = await startScript(scene, `${post()}; sleep 0.3; ${fill}; ${post()}; ${post()}; rm filler`).ended;
    expect(countAnswers(result)).toBe(3);
    expect(result.exitCode).toBe(0);
    const [call] = await readCalls(scene.tapes);
    expect(call).toMatchObject({ status: 'completed' });
    // What could not be written is told; where the disk had room again before the end, nothing was lost.
    const [run] = await readRuns(scene.tapes);
    expect(run!.calls === 3 || /tapes: .*(full|disk|I\/O)/i.test(result.stderr)).toBe(true);
    expect((await runTapes(scene.tapes, ['verify'])).exitCode).toBe(0);
  });

  it('full to the end: the agent goes on, the loss is told, and what was on disk is whole', async () => {
    const scene = await set(hello);
    mountHome(scene, '4m');
    const fill = 'head -c 8000000 /dev/zero > filler 2>/dev/null';
    const result = await startScript(scene, `${post()}; sleep 0.3; ${fill}; ${post()}; ${post()}`).ended;
    expect(countAnswers(result)).toBe(3);
    expect(result.exitCode).toBe(0);
    expect(result.stderr).toMatch(/tapes: .*(full|disk|I\/O).*lost/i);
    rmSync(join(scene.tapes.dir, 'filler'));
    expect((await readCalls(scene.tapes)).at(-1)).toMatchObject({ status: 'completed' });
    expect((await runTapes(scene.tapes, ['verify'])).exitCode).toBe(0);
  });

  it('read-only while the agent runs: the agent goes on, and what completed is there or told', async () => {
    const scene = await set(hello);
    mountHome(scene, '8m');
    const { dir } = scene.tapes;
    // What is open stays so; whatever is opened from then on is not to be written.
    const freeze = `mount --bind '${dir}' '${dir}' && mount -o remount,bind,ro '${dir}' && ! touch '${dir}/new' 2>/dev/null`;
    closing.push(() => spawnSync('umount', ['-l', dir]));
    const result = await startScript(scene, `${post()}; ${freeze} || exit 9; ${post()}; ${post()}; exit 3`).ended;
    expect({ answers: countAnswers(result), exitCode: result.exitCode }).toEqual({ answers: 3, exitCode: 3 });
    spawnSync('umount', ['-l', dir]);
    const calls = await readCalls(scene.tapes);
    expect(calls.at(-1)).toMatchObject({ status: 'completed' });
    const completed = calls.filter(({ status }) => status === 'completed').length;
    expect(completed === 3 || /tapes: .*(read-only|readonly)[^]* lost/i.test(result.stderr)).toBe(true);
    expect((await runTapes(scene.tapes, ['verify'])).exitCode).toBe(0);
  });

  it('read-only from the start: refused before the agent starts, with a way on, and looking still works', async () => {
    const scene = await set(hello);
    mountHome(scene, '8m');
    await startScript(scene, post()).ended;
    expect(spawnSync('mount', ['-o', 'remount,ro', scene.tapes.dir]).status).toBe(0);
    const refused = await startScript(scene, 'echo started').ended;
    expect(refused).toMatchObject({ exitCode: 125, stdout: '' });
    expect(refused.stderr).toMatch(/^tapes: .*(cannot|read-only)/);
    expect((await runTapes(scene.tapes, ['sessions'])).stdout).toContain('hello from curl');
  });
});

// SQLite's own, which nothing changes.
const pageBytes = 4096;

describe('the database', () => {
  it('locked for 30 seconds by another process: the agent is not held up, and nothing is lost', async () => {
    const scene = await set(hello);
    await startScript(scene, post()).ended;
    const db = join(scene.tapes.dir, 'tapes.db');
    const holder = `const Database = require(${JSON.stringify(resolve('node_modules/better-sqlite3'))});
      const db = new Database(${JSON.stringify(db)}).exec('BEGIN EXCLUSIVE');
      console.log('held');
      setTimeout(() => db.exec('ROLLBACK').close(), 30000);`;
    writeFileSync(join(scene.tapes.dir, 'holder.cjs'), holder);
    const running = startScript(
      scene,
      `${post()}; node holder.cjs > holding & while ! grep -q held holding 2>/dev/null; do sleep 0.05; done
       ${post()}; ${post()}; touch answered; wait`,
      { timeoutMs: 55_000 },
    );
    await expect.poll(() => existsSync(join(scene.tapes.dir, 'answered')), { timeout: 25_000 }).toBe(true);
    const result = await running.ended;
    expect(countAnswers(result)).toBe(3);
    expect(result.stderr).toContain('recorded 3 calls');
    expect((await readRuns(scene.tapes))[0]).toMatchObject({ calls: 3, dropped: 0 });
  });

  it('with any one page damaged: the agent goes on, and what is lost is told', { timeout: 60_000 }, async () => {
    const scene = await set(hello);
    await startScript(scene, `${post()}; ${post()}`).ended;
    const db = join(scene.tapes.dir, 'tapes.db');
    const whole = readFileSync(db);
    const pages = whole.length / pageBytes;
    expect(pages).toBeGreaterThan(30);
    // The first page is what says that the file is a database. Without it nothing is begun.
    const damageOf = (page: number): Buffer => Buffer.from(whole).fill(0xa5, (page - 1) * pageBytes, page * pageBytes);
    writeFileSync(db, damageOf(1));
    const refused = await startScript(scene, 'echo started').ended;
    expect(refused).toMatchObject({ exitCode: 125, stdout: '' });
    expect(refused.stderr).toContain('hint: name another database with --db FILE');

    let losses = 0;
    for (let page = 2; page <= pages; page += 4) {
      for (const companion of ['-wal', '-shm']) rmSync(`${db}${companion}`, { force: true });
      writeFileSync(db, damageOf(page));
      const result = await startScript(scene, `${post()}; ${post()}; exit 3`).ended;
      expect({ page, exitCode: result.exitCode, answers: countAnswers(result) }).toEqual({
        page,
        exitCode: 3,
        answers: 2,
      });
      const isTold = /tapes: .*(corrupt|damaged)[^]* events lost/.test(result.stderr);
      expect(isTold).not.toBe(result.stderr.includes('recorded 2 calls'));
      if (isTold) losses++;
    }
    expect(losses).toBeGreaterThan(0);
  });

  it('of which pages are damaged while the agent runs: the agent goes on, and what is lost is told', async () => {
    const scene = await set(hello);
    await startScript(scene, `${post()}; ${post()}`).ended;
    const pages = statSync(join(scene.tapes.dir, 'tapes.db')).size / pageBytes;
    // All but the first two: the recorder has some of the others in memory by then.
    const damage = `head -c ${(pages - 2) * pageBytes} /dev/zero | dd of=tapes.db bs=${pageBytes} seek=2 conv=notrunc status=none`;
    const result = await startScript(scene, `${post()}; sleep 0.3; ${damage}; ${post()}; exit 3`).ended;
    expect(countAnswers(result)).toBe(2);
    expect(result.exitCode).toBe(3);
    expect(result.stderr).toMatch(/tapes: .*(corrupt|malformed|damaged)/);
  });

  it('replaced by an older copy while the agent runs: the agent goes on, and it is told', async () => {
    const scene = await set(hello);
    await startScript(scene, post()).ended;
    const replace = 'cp tapes.db copy.db; mv copy.db tapes.db; rm -f tapes.db-wal tapes.db-shm';
    const result = await startScript(scene, `${post()}; sleep 0.3; ${replace}; ${post()}`).ended;
    expect(countAnswers(result)).toBe(2);
    expect(result.exitCode).toBe(0);
    expect(result.stderr).toMatch(/tapes: .*(moved or removed|replaced)/);
    expect((await runTapes(scene.tapes, ['sessions'])).exitCode).toBe(0);
  });
});

const preload = resolve(import.meta.dirname, '../support/break-thread.cjs');
const broken = (argv: readonly string[]): readonly string[] => [argv[0]!, '--require', preload, ...argv.slice(1)];

describe('the recorder', () => {
  it('whose thread is killed: the agent goes on, and the loss is told', async () => {
    const scene = await set(hello);
    const result = await startScript(scene, `${post()}; sleep 0.5; touch kill-it; sleep 0.3; ${post()}; ${post()}`, {
      wrap: broken,
      env: { FAULT: 'kill-thread', FAULT_WHEN: join(scene.tapes.dir, 'kill-it') },
    }).ended;
    expect(countAnswers(result)).toBe(3);
    expect(result.exitCode).toBe(0);
    expect(result.stderr).toMatch(/tapes: .*(thread ended).*lost/);
    expect((await readCalls(scene.tapes)).at(-1)).toMatchObject({ status: 'completed' });
  });

  it('whose decoders fail at every event: the agent goes on, it is told, and what passed is kept', async () => {
    const scene = await set(hello);
    const result = await startScript(scene, `${post()}; ${post()}`, {
      wrap: broken,
      env: { FAULT: 'broken-decoder' },
    }).ended;
    expect(countAnswers(result)).toBe(2);
    expect(result.exitCode).toBe(0);
    expect(result.stderr).toMatch(/tapes: .*a decoder that always fails/);
    const calls = await readCalls(scene.tapes);
    expect(calls).toHaveLength(2);
    for (const { id } of calls) {
      expect((await runTapes(scene.tapes, ['raw', id, '--request'])).stdout).toBe(postedBody);
      expect((await runTapes(scene.tapes, ['raw', id, '--response'])).stdout).toContain('event: response.completed');
    }
  });
});

const faketime = ['/usr/lib/x86_64-linux-gnu/faketime/libfaketimeMT.so.1', '/usr/lib/aarch64-linux-gnu/faketime/libfaketimeMT.so.1'].find((file) => existsSync(file)); // prettier-ignore
const needsFaketime = faketime === undefined ? ' (skipped: no libfaketime here)' : '';

describe('the clock', () => {
  it.skipIf(faketime === undefined).each([
    ['a day back', '-1d'],
    ['a day ahead', '+1d'],
  ])(`jumps %s while an answer streams: durations stay, and the call is kept${needsFaketime}`, async (_how, jump) => {
    const scene = await set({ scenario: () => text('Hello', { chunks: ['Hel', 'lo'], delayMs: 300 }) });
    const clock = join(scene.tapes.dir, 'clock');
    writeFileSync(clock, '+0');
    const env = [
      `LD_PRELOAD=${faketime}`,
      `FAKETIME_TIMESTAMP_FILE=${clock}`,
      'FAKETIME_NO_CACHE=1',
      'FAKETIME_DONT_FAKE_MONOTONIC=1',
    ];
    const script = `unset LD_PRELOAD; (while ! grep -q delta streamed 2>/dev/null; do sleep 0.02; done; echo ${jump} > clock) & ${post()} | tee streamed; wait; ${post()}`;
    const result = await startScript(scene, script, { wrap: (argv) => ['env', ...env, ...argv] }).ended;
    expect(result.stderr).not.toContain('lost');
    expect(countAnswers(result)).toBe(2);
    const calls = await readCalls(scene.tapes);
    expect(calls.map(({ status }) => status)).toEqual(['completed', 'completed']);
    for (const { durationMs } of calls) {
      expect(durationMs).toBeGreaterThanOrEqual(0);
      expect(durationMs).toBeLessThan(30_000);
    }
    expect((await runTapes(scene.tapes, ['show', 'last'])).exitCode).toBe(0);
  });
});

describe('tapes itself', () => {
  it('stopped and continued in the middle of an answer: nothing is lost', async () => {
    const scene = await set({ scenario: () => text('Hello', { chunks: ['Hel', 'lo'], delayMs: 200 }) });
    const running = startScript(scene, `${post()} | tee streamed; ${post()}`);
    await expect
      .poll(
        () =>
          existsSync(join(scene.tapes.dir, 'streamed')) &&
          readFileSync(join(scene.tapes.dir, 'streamed'), 'utf8').includes('delta'),
        { timeout: 20_000, interval: 10 },
      )
      .toBe(true);
    running.kill('SIGSTOP');
    await new Promise((done) => setTimeout(done, 700));
    running.kill('SIGCONT');
    const result = await running.ended;
    expect(countAnswers(result)).toBe(2);
    expect(result.stderr).toContain('recorded 2 calls');
  });

  it('carries a thousand connections at once', async () => {
    const scene = await set(hello);
    const client = resolve(import.meta.dirname, '../support/many-connections.mjs');
    const result = await startScript(scene, `node '${client}' 1000`, { timeoutMs: 55_000 }).ended;
    expect(result.stdout).toBe('1000 of 1000 answered\n');
    expect(result.stderr).toMatch(/recorded (1000|1,000|1\.0k) calls/);
    expect((await readRuns(scene.tapes))[0]).toMatchObject({ calls: 1000, dropped: 0 });
  });

  it('out of file descriptors: what cannot be taken fails as a connection, and later calls are carried and recorded', async () => {
    const scene = await set(hello);
    const limited = (argv: readonly string[]): readonly string[] => [
      'sh',
      '-c',
      'ulimit -Hn 90; exec "$@"',
      'sh',
      ...argv,
    ];
    const client = resolve(import.meta.dirname, '../support/hold-connections.mjs');
    // As many idle connections as leave tapes no descriptor; then they end, and the agent asks again.
    const result = await startScript(scene, `${post()}; node '${client}' 60; ${post()}; ${post()}`, { wrap: limited })
      .ended;
    expect(countAnswers(result)).toBe(3);
    expect(result.exitCode).toBe(0);
    expect((await readRuns(scene.tapes))[0]).toMatchObject({ calls: 3 });
  });
});

describe('the way upstream', () => {
  it('a name that cannot be resolved: the agent sees a failed connection, and it is told why', async () => {
    const scene = await set(hello);
    // A label of 64 characters is no name: the resolver refuses it without asking anybody.
    const options = ['--resolve', `chatgpt.com:443:${'a'.repeat(64)}.example`];
    const result = await startScript(scene, post(), { options }).ended;
    expect(result.stderr).toMatch(/^curl: \(\d+\) .*502/m);
    expect(result.stderr).toMatch(/^tapes: chatgpt\.com could not be reached \((ENOTFOUND|EAI_\w+)\)$/m);
    expect(result.exitCode).not.toBe(0);
  });

  it('a provider that has an IPv6 address alone', async () => {
    const scene = await set(hello);
    const relay = createServer((socket) => {
      const onward = connect(scene.standIn.port, '127.0.0.1');
      socket.pipe(onward).pipe(socket);
      for (const one of [socket, onward]) one.on('error', () => one.destroy());
    });
    relay.listen(0, '::1');
    await once(relay, 'listening');
    closing.push(() => relay.close());
    const { port } = relay.address() as AddressInfo;
    const options = [...scene.standIn.resolveArgs(), '--resolve', `chatgpt.com:443:[::1]:${port}`];
    const own = options.filter(
      (argument, at) =>
        !(argument.startsWith('chatgpt.com:443:127') || options[at + 1]?.startsWith('chatgpt.com:443:127') === true),
    );
    const result = await startScript(scene, post(), { options: own }).ended;
    expect(countAnswers(result)).toBe(1);
    expect(result.stderr).toContain('recorded 1 call');
  });
});
