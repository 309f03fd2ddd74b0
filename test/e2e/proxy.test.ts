// A standing proxy, with real agents beside each other: whose each request is, what is recorded of each session, and that what was promised to
// an environment holds, whatever happens to the proxy.
import { once } from 'node:events';
import { chmodSync, existsSync, mkdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { createServer, type AddressInfo } from 'node:net';
import { join } from 'node:path';

import { afterEach, describe, expect, it } from 'vitest';

import { hang, startStandIn, text, type StandInOptions } from '../support/chatgpt/index.ts';
import { codexBin, makeCodexHome, type CodexHome, type CodexHomeOptions } from '../support/codex.ts';
import { canMount, whyNoMount, withReadOnly } from '../support/read-only.ts';
import { run, start, type RunResult, type Running } from '../support/run.ts';
import {
  endProxy,
  launchProxy,
  proxyEnv,
  readProxyEnvironment,
  startProxy,
  type ProxyTestOptions,
  type RunningProxy,
} from '../support/standing-proxy.ts';
import {
  findTexts,
  makeTapesHome,
  readRuns,
  readSessions,
  readTurns,
  runTapes,
  tapesBin,
  type Scene,
} from '../support/tapes.ts';

const closing: (() => unknown)[] = [];
afterEach(async () => {
  for (const close of closing.splice(0).reverse()) await close();
});

async function set(options: StandInOptions = {}): Promise<Scene> {
  const standIn = await startStandIn({
    // As long as a real one takes to begin its answer, at the least.
    scenario: (call) =>
      text(`You said ${/say (one|two|curl|again)\b/.exec(call.text)?.[1] ?? 'nothing'}`, { headersDelayMs: 250 }),
    ...options,
  });
  const tapes = makeTapesHome();
  closing.push(() => standIn.close(), tapes.remove);
  return { standIn, tapes, codex: codexHome() };
}

function codexHome(options: CodexHomeOptions = {}): CodexHome {
  const codex = makeCodexHome(options);
  closing.push(codex.remove);
  return codex;
}

async function stand(scene: Scene, more: Partial<ProxyTestOptions> = {}): Promise<RunningProxy> {
  const proxy = await startProxy({ ...scene, ...more });
  closing.push(() => endProxy(proxy));
  return proxy;
}

const asModule = (code: string): string => `data:text/javascript;base64,${Buffer.from(code).toString('base64')}`;

const execArgs = (words: string): string[] => ['exec', '--skip-git-repo-check', words];

const exec = (
  codex: CodexHome,
  { environment }: Pick<RunningProxy, 'environment'>,
  words: string,
): Promise<RunResult> =>
  run(codexBin().native, execArgs(words), { env: { ...codex.env, ...environment }, cwd: codex.project });

const startExec = (codex: CodexHome, { environment }: RunningProxy, words: string): Running =>
  start(codexBin().native, execArgs(words), { env: { ...codex.env, ...environment }, cwd: codex.project });

const body = JSON.stringify({ model: 'gpt-6.1-sol', stream: true, input: 'say curl' });
const curl = (
  scene: Scene,
  { environment }: Pick<RunningProxy, 'environment'>,
  ...args: readonly string[]
): Promise<RunResult> =>
  run(
    'curl',
    [
      '-sS',
      '--cacert',
      environment['CODEX_CA_CERTIFICATE']!,
      '-H',
      'content-type: application/json',
      '--data',
      body,
      ...args,
      'https://chatgpt.com/backend-api/codex/responses',
    ],
    { env: proxyEnv(scene.tapes, environment), cwd: scene.tapes.dir },
  );

async function end(proxy: RunningProxy, signal: NodeJS.Signals = 'SIGINT'): Promise<RunResult> {
  proxy.kill(signal);
  return proxy.ended;
}

const proxyFile = (scene: Scene): string => join(scene.tapes.dir, 'proxy.json');

describe('tapes proxy', () => {
  it('records agents that run at once, each session as a run of its own, and a curl beside them as curl', async () => {
    const scene = await set();
    const other = codexHome({ auth: 'apikey' });
    const proxy = await stand(scene, { options: ['--label', 'all day'] });
    const [one, two, three] = await Promise.all([
      exec(scene.codex, proxy, 'say one'),
      exec(other, proxy, 'say two'),
      curl(scene, proxy),
    ]);
    expect([one, two].map(({ stdout, exitCode }) => [stdout, exitCode])).toEqual([
      ['You said one\n', 0],
      ['You said two\n', 0],
    ]);
    expect(three.stdout).toContain('You said curl');

    const { stderr, exitCode } = await end(proxy);
    expect(exitCode).toBe(0);
    const sessions = await readSessions(scene.tapes);
    expect(new Set(sessions.map(({ agent, calls, cwd, status }) => ({ agent, calls, cwd, status })))).toEqual(
      new Set([
        { agent: 'codex', calls: 1, cwd: scene.codex.project, status: 'completed' },
        { agent: 'codex', calls: 1, cwd: other.project, status: 'completed' },
        { agent: 'curl', calls: 1, cwd: scene.tapes.dir, status: 'completed' },
      ]),
    );
    for (const { id } of sessions) {
      const [turn, ...others] = await readTurns(scene.tapes, id);
      expect(others).toEqual([]);
      expect(turn).toMatchObject({
        status: 'completed',
        prompt: expect.stringMatching(/^say (one|two|curl)$/) as string,
      });
    }
    // One line a session, and none more.
    const lines = stderr.split('\n').filter((line) => line.includes('recorded'));
    expect(lines.length).toBe(3);
    for (const line of lines)
      expect(line).toMatch(/^tapes: recorded 1 call in 1 turn of session \S+…, \d+ tokens · tapes show /);

    const runs = await readRuns(scene.tapes);
    expect(runs.map(({ kind, agent, calls, status }) => `${kind} ${agent} ${calls} ${status}`).toSorted()).toEqual([
      'session codex 1 ended',
      'session codex 1 ended',
      'session curl 1 ended',
    ]);
    const codexRuns = runs.filter(({ agent }) => agent === 'codex');
    if (process.platform === 'linux') {
      expect(codexRuns.map(({ cwd }) => cwd).toSorted()).toEqual([scene.codex.project, other.project].toSorted());
      expect(codexRuns.map(({ argv }) => argv.at(-1)).toSorted()).toEqual(['say one', 'say two']);
    }
    // What belongs to no session is in the proxy's own run, which is shown on request.
    const all = await runTapes(scene.tapes, ['runs', '--all', '--json']);
    const own = (JSON.parse(all.stdout) as typeof runs).filter(({ kind }) => kind === 'proxy');
    expect(own).toMatchObject([{ argv: ['tapes', 'proxy'], calls: 0, label: 'all day', status: 'ended', dropped: 0 }]);
    expect(own[0]!.exchanges).toBeGreaterThan(5);
    expect(runs.map(({ proxyRunId }) => proxyRunId)).toEqual(runs.map(() => own[0]!.id));
    expect((await runTapes(scene.tapes, ['verify'])).exitCode).toBe(0);
  });

  it('is on the same port with the same password the next time, also after kill -9, and loses no call', async () => {
    const scene = await set();
    const first = await stand(scene);
    expect((await exec(scene.codex, first, 'say one')).stdout).toBe('You said one\n');
    const recorded = async (): Promise<(number | undefined)[]> =>
      (await readRuns(scene.tapes)).map(({ calls }) => calls);
    await expect.poll(recorded).toEqual([1]);
    await endProxy(first);
    const dead = await runTapes(scene.tapes, ['runs', '--json']);
    expect(JSON.parse(dead.stdout)).toMatchObject([{ status: 'interrupted', calls: 1 }]);

    const second = await stand(scene);
    expect(second.environment).toEqual(first.environment);
    // With the environment of before.
    expect((await exec(scene.codex, first, 'say two')).stdout).toBe('You said two\n');
    expect((await end(second, 'SIGTERM')).exitCode).toBe(0);
    const third = await stand(scene);
    expect(third.environment).toEqual(first.environment);
    expect((await end(third)).stderr).toContain('tapes: recorded no calls: nothing was sent to an intercepted host');

    const turns = (
      await Promise.all((await readSessions(scene.tapes)).map(({ id }) => readTurns(scene.tapes, id)))
    ).flat();
    expect(turns.map(({ prompt, status }) => [prompt, status]).toSorted()).toEqual([
      ['say one', 'completed'],
      ['say two', 'completed'],
    ]);
    // Elsewhere only when it is told to.
    const fourth = await stand(scene, { options: ['--port', '0'] });
    expect(fourth.port).not.toBe(first.port);
  });

  it('keeps of a call that kill -9 cut what had come until then', async () => {
    const scene = await set({ scenario: [hang(), text('You said again')] });
    const proxy = await stand(scene);
    const codex = startExec(scene.codex, proxy, 'say for ever');
    await scene.standIn.waitFor(({ calls }) => calls.some(({ kind }) => kind === 'turn'));
    const words = async (): Promise<number> => {
      const turns = await readTurns(scene.tapes).catch(() => []);
      return turns[0]?.calls[0]?.output[0]?.text?.length ?? 0;
    };
    await expect.poll(words, { timeout: 15_000 }).toBeGreaterThan(20);
    await endProxy(proxy);
    codex.kill('SIGKILL');
    await codex.ended;
    const next = await stand(scene);
    expect(await readTurns(scene.tapes)).toMatchObject([
      { prompt: 'say for ever', calls: [{ status: 'interrupted' }] },
    ]);
    expect(await words()).toBeGreaterThan(20);
    await exec(scene.codex, next, 'say again');
    expect((await readSessions(scene.tapes)).map(({ status }) => status)).toEqual(['completed', 'interrupted']);
  });

  it('finishes on Ctrl-C what is open, and Codex notices nothing', async () => {
    const chunks = Array.from({ length: 30 }, (_, at) => `word${at} `);
    const scene = await set({ scenario: [text('', { chunks, delayMs: 50 })] });
    const proxy = await stand(scene);
    const codex = startExec(scene.codex, proxy, 'say much');
    await scene.standIn.waitFor(({ calls }) => calls.some(({ kind }) => kind === 'turn'));
    const { exitCode, stderr } = await end(proxy);
    expect(exitCode).toBe(0);
    expect(stderr).toMatch(/tapes: recorded 1 call in 1 turn of session /);
    expect(await codex.ended).toMatchObject({ stdout: `${chunks.join('')}\n`, exitCode: 0 });
    expect(await readTurns(scene.tapes)).toMatchObject([
      { prompt: 'say much', calls: [{ status: 'completed', output: [{ text: chunks.join('') }] }] },
    ]);
  });

  it('waits for what has no end, and takes a second Ctrl-C for now', async () => {
    const scene = await set({ scenario: [hang()] });
    const proxy = await stand(scene, { options: ['--verbose'] });
    const codex = startExec(scene.codex, proxy, 'say for ever');
    await scene.standIn.waitFor(({ calls }) => calls.some(({ kind }) => kind === 'turn'));
    proxy.kill('SIGINT');
    await proxy.said('stopping', 'stderr');
    const waited = new Promise((resolve) => setTimeout(() => resolve('waits'), 1_000));
    expect(await Promise.race([proxy.ended, waited])).toBe('waits');
    const before = performance.now();
    const { exitCode, stderr } = await end(proxy);
    expect(performance.now() - before).toBeLessThan(4_000);
    expect({ exitCode, said: stderr.includes('recorded 1 call in 1 turn') }).toEqual({ exitCode: 0, said: true });
    codex.kill('SIGKILL');
    await codex.ended;
    expect(await readTurns(scene.tapes)).toMatchObject([
      { prompt: 'say for ever', calls: [{ status: 'interrupted' }] },
    ]);
  });

  it('is one for each home: a second one is told who the first is, and a dead one is no obstacle', async () => {
    const scene = await set();
    const proxy = await stand(scene);
    const before = readFileSync(proxyFile(scene), 'utf8');
    const second = await launchProxy(scene).ended;
    expect(second).toMatchObject({ exitCode: 125, stdout: '' });
    expect(second.stderr).toContain(`(pid ${proxy.pid}) is running on this home already, on port ${proxy.port}`);
    expect(second.stderr).toContain('[E_PROXY_RUNNING]');
    expect(readFileSync(proxyFile(scene), 'utf8')).toBe(before);
    await endProxy(proxy);
    // Its pid may be another's by now.
    const state = JSON.parse(before) as { process: { pid: number; pidStarted: string } };
    writeFileSync(proxyFile(scene), JSON.stringify({ ...state, process: { ...state.process, pid: process.pid } }));
    expect((await end(await stand(scene))).exitCode).toBe(0);
  });

  it('says who else may have its port, and goes elsewhere when it is told to', async () => {
    const scene = await set();
    const first = await stand(scene);
    await end(first);
    const server = createServer().listen(first.port, '127.0.0.1');
    await once(server, 'listening');
    closing.push(() => server.close());
    const taken = await launchProxy(scene).ended;
    expect(taken).toMatchObject({ exitCode: 125, stdout: '' });
    expect(taken.stderr).toContain(`port ${first.port} is in use by another program`);
    expect(taken.stderr).toContain('tapes proxy --port 0');
    const other = await stand(scene, { options: ['--port', '0'] });
    expect(other.port).not.toBe((server.address() as AddressInfo).port);
    await end(other);
    expect((await stand(scene)).port).toBe(other.port);
  });

  it('keeps its password in one file that nobody else may read, and out of everything else', async () => {
    const scene = await set({ scenario: (call) => text(`You said ${call.text.slice(0, 500)}`) });
    const proxy = await stand(scene);
    const password = new URL(proxy.environment['HTTPS_PROXY']!).password;
    expect(password).toMatch(/^[0-9a-f]{32}$/);
    expect(statSync(proxyFile(scene)).mode & 0o777).toBe(0o600);
    // An agent that prints its environment, in a prompt, on its command line and in an answer.
    await exec(scene.codex, proxy, `say ${proxy.environment['HTTPS_PROXY']} and ${password}`);
    await curl(scene, proxy, '--proxy', proxy.environment['HTTPS_PROXY']!, '-H', `x-note: ${password}`);
    const { accessToken, refreshToken, idToken } = scene.codex.tokens;
    const secrets = { password, accessToken, refreshToken, idToken };
    const running = findTexts(scene.tapes.dir, secrets);
    await end(proxy);
    for (const found of [running, findTexts(scene.tapes.dir, secrets)]) {
      expect(found).toEqual(['password in proxy.json']);
    }
    expect((await readSessions(scene.tapes)).length).toBe(2);
    // What others could have read is no secret any more.
    chmodSync(proxyFile(scene), 0o644);
    const next = await stand(scene);
    expect(new URL(next.environment['HTTPS_PROXY']!).password).not.toBe(password);
    expect(statSync(proxyFile(scene)).mode & 0o777).toBe(0o600);
  });

  it('asks for its password, unless it is told not to', async () => {
    const scene = await set();
    const proxy = await stand(scene);
    const stranger = {
      environment: { ...proxy.environment, HTTPS_PROXY: `http://127.0.0.1:${proxy.port}`, https_proxy: '' },
    };
    const refused = await curl(scene, { ...proxy, ...stranger }, '--proxy', `http://127.0.0.1:${proxy.port}`);
    expect(refused).toMatchObject({ stdout: '', exitCode: 56 });
    expect(refused.stderr).toContain('407');
    await end(proxy);
    const open = await stand(scene, { options: ['--no-auth'] });
    expect(open.environment['HTTPS_PROXY']).toBe(`http://127.0.0.1:${proxy.port}`);
    expect((await curl(scene, open)).stdout).toContain('You said curl');
    await end(open);
    // The password is as it was.
    expect((await stand(scene)).environment).toEqual(proxy.environment);
  });

  it('keeps nothing where it is told to keep nothing', async () => {
    const scene = await set();
    const proxy = await stand(scene, { options: ['--no-record'] });
    expect((await exec(scene.codex, proxy, 'say one')).stdout).toBe('You said one\n');
    expect((await end(proxy)).stderr).not.toContain('recorded');
    expect(existsSync(join(scene.tapes.dir, 'tapes.db'))).toBe(false);
  });

  it('leads nowhere in a circle when it is started from a shell that points at it', async () => {
    const scene = await set();
    const first = await stand(scene);
    await end(first);
    const second = await stand(scene, { env: first.environment });
    expect(second.environment).toEqual(first.environment);
    expect((await exec(scene.codex, second, 'say one')).stdout).toBe('You said one\n');
    // Nor is `tapes intercept` in such a shell recorded twice.
    const intercepted = await runTapes(
      scene.tapes,
      ['intercept', ...scene.standIn.resolveArgs(), '--', codexBin().native, ...execArgs('say two')],
      { env: { ...scene.codex.env, ...second.environment, TAPES_HOME: scene.tapes.dir }, cwd: scene.codex.project },
    );
    expect(intercepted.stdout).toBe('You said two\n');
    await end(second);
    expect((await readRuns(scene.tapes)).map(({ kind, calls }) => [kind, calls])).toEqual([
      ['intercept', 1],
      ['session', 1],
    ]);
  });

  it('is one also where two are started at once on a home that never had one', async () => {
    const scene = await set();
    const both = [launchProxy(scene), launchProxy(scene)];
    closing.push(() => Promise.all(both.map(endProxy)));
    const loser = await Promise.race(both.map(({ ended }) => ended));
    expect(loser).toMatchObject({ exitCode: 125, stdout: expect.not.stringContaining('HTTPS_PROXY') as string });
    expect(loser.stderr).toContain('[E_PROXY_RUNNING]');
    const environment = await readProxyEnvironment(scene.tapes);
    expect((await exec(scene.codex, { environment }, 'say one')).stdout).toBe('You said one\n');
  });

  it(
    'is trusted by its agents also where another, with a root of its own too, was started in the same moment',
    { timeout: 90_000 },
    async () => {
      const scene = await set();
      // Each its own root, none the other's; without --port 0 the second time round the port alone would decide.
      const options = ['--ephemeral-ca', '--port', '0'];
      for (let round = 0; round < 3; round++) {
        const both = [launchProxy({ ...scene, options }), launchProxy({ ...scene, options })];
        closing.push(() => Promise.all(both.map(endProxy)));
        const loser = await Promise.race(both.map((each) => each.ended.then((result) => ({ each, result }))));
        expect(loser.result.stderr).toContain('[E_PROXY_RUNNING]');
        const winner = both.find((each) => each !== loser.each)!;
        await winner.said('CODEX_CA_CERTIFICATE');
        const environment = await readProxyEnvironment(scene.tapes);
        expect((await curl(scene, { environment })).stdout).toContain('You said curl');
        winner.kill('SIGINT');
        await winner.ended;
      }
    },
  );

  it('lets everything through, and says so, where its engine cannot be loaded', async () => {
    const scene = await set();
    const refuse = `export const resolve = (name, context, next) => {
      if (name.includes('http-combo-server')) throw new Error('it is broken on purpose');
      return next(name, context);
    };`;
    // It is run as one script, and imported as modules where that fails: both fail here.
    const hooks = `
      import { register, syncBuiltinESMExports } from 'node:module';
      import vm from 'node:vm';
      register('${asModule(refuse)}');
      vm.Script = class { constructor() { throw new Error('it is broken on purpose'); } };
      syncBuiltinESMExports();`;
    const env = { NODE_OPTIONS: `--import=${asModule(hooks)}` };
    const proxy = await stand(scene, { env });
    await proxy.said('the interceptor could not be loaded, so the traffic went past it', 'stderr');
    const past = await run(
      'curl',
      ['-sS', '--cacert', scene.standIn.caFile, '--data', body, 'https://chatgpt.com/backend-api/codex/responses'],
      { env: proxyEnv(scene.tapes, proxy.environment) },
    );
    expect(past.stdout).toContain('You said curl');
    expect((await end(proxy)).exitCode).toBe(0);
  });

  it('is looked into while it stands: tail, sessions, show, stats, search, and prune, which takes nothing of what is live', async () => {
    const scene = await set();
    const proxy = await stand(scene);
    const tail = start(process.execPath, [tapesBin, 'tail', '--json'], { env: proxyEnv(scene.tapes) });
    closing.push(() => endProxy(tail));
    await exec(scene.codex, proxy, 'say one');
    await tail.said('"type":"callEnded"');
    expect(tail.stdout).toContain('"prompt":"say one"');
    const stats = JSON.parse((await runTapes(scene.tapes, ['stats', '--json'])).stdout) as object;
    expect(stats).toMatchObject({ calls: 1, turns: 1, sessions: 1, statuses: { completed: 1 } });
    expect((await runTapes(scene.tapes, ['search', 'say one'])).stdout).toContain('say');
    const prune = async (): Promise<object> => {
      const { stdout } = await runTapes(scene.tapes, ['prune', '--keep-bytes', '1', '--json']);
      return JSON.parse(stdout) as object;
    };
    expect(await prune()).toMatchObject({ sessions: 0, calls: 0, activeSessions: 1 });
    expect((await readSessions(scene.tapes)).length).toBe(1);
    const busy = await runTapes(scene.tapes, ['rederive']);
    expect(busy.stderr).toContain('[E_DB_IN_USE]');
    await end(proxy);
    expect((await runTapes(scene.tapes, ['rederive', '--json'])).stdout).toMatch(/"calls": 1/);
    expect(await prune()).toMatchObject({ sessions: 1, calls: 1, activeSessions: 0 });
  });

  it('learns a login that it was not started with, and one that is renewed while it stands', async () => {
    const scene = await set({ scenario: (call) => text(`You said ${call.text.slice(-400)}`, { headersDelayMs: 250 }) });
    const proxy = await stand(scene);
    await exec(scene.codex, proxy, 'say one');
    // Nothing sends this one: it is in the login file of the home that was met, and then in a prompt.
    const renewed = 'renewed-refresh-token-0123456789abcdef';
    const file = join(scene.codex.dir, 'auth.json');
    const login = JSON.parse(readFileSync(file, 'utf8')) as { tokens: Record<string, string> };
    login.tokens['refresh_token'] = renewed;
    writeFileSync(file, JSON.stringify(login));
    // It is looked at every half second.
    await new Promise((resolve) => setTimeout(resolve, 1_500));
    await exec(scene.codex, proxy, `say ${renewed}`);
    await end(proxy);
    const { accessToken, refreshToken, idToken } = scene.codex.tokens;
    expect(findTexts(scene.tapes.dir, { renewed, accessToken, refreshToken, idToken })).toEqual([]);
    expect((await readSessions(scene.tapes)).length).toBe(2);
  });

  it('joins its root with the one that the user had named, in a file that stays', async () => {
    const scene = await set();
    const own = { CODEX_CA_CERTIFICATE: scene.standIn.caFile };
    const proxy = await stand(scene, { env: own });
    const file = join(scene.tapes.dir, 'ca', 'proxy-bundle.pem');
    expect(proxy.environment['CODEX_CA_CERTIFICATE']).toBe(file);
    expect(readFileSync(file, 'utf8').match(/BEGIN CERTIFICATE/g)?.length).toBe(2);
    await end(proxy);
    // From a shell that has taken in the environment, where the user's own is kept beside.
    const entered = { ...proxy.environment, TAPES_SAVED_CODEX_CA_CERTIFICATE: scene.standIn.caFile };
    const again = await stand(scene, { env: entered });
    expect(again.environment['CODEX_CA_CERTIFICATE']).toBe(file);
    expect(readFileSync(file, 'utf8').match(/BEGIN CERTIFICATE/g)?.length).toBe(2);
    expect((await exec(scene.codex, again, 'say one')).stdout).toBe('You said one\n');
  });

  it('begins another database where the one that it records into is removed, and says what has gone', async () => {
    const scene = await set();
    const proxy = await stand(scene);
    await curl(scene, proxy);
    for (const ending of ['', '-wal', '-shm']) rmSync(join(scene.tapes.dir, `tapes.db${ending}`));
    await proxy.said('was moved or removed', 'stderr');
    expect((await curl(scene, proxy)).stdout).toContain('You said curl');
    const { stderr, exitCode } = await end(proxy);
    expect(exitCode).toBe(0);
    const sessions = await readSessions(scene.tapes);
    expect(sessions).toMatchObject([{ calls: 1 }]);
    const lines = stderr.split('\n').filter((line) => line.includes('recorded 1 call'));
    expect(lines).toEqual([expect.stringContaining(`tapes show ${sessions[0]!.id.slice(0, 8)}`)]);
    expect((await runTapes(scene.tapes, ['verify'])).exitCode).toBe(0);
  });

  it.skipIf(!canMount)(
    `whose database is read-only lets agents go on, and says that nothing is recorded${whyNoMount}`,
    { timeout: 90_000 },
    async () => {
      const scene = await set();
      const folder = join(scene.tapes.dir, 'kept elsewhere');
      mkdirSync(folder);
      const db = join(folder, 'tapes.db');
      // Once with none in it, once with one of before.
      for (const before of [0, 1]) {
        if (before > 0) {
          const writing = await stand(scene, { options: ['--db', db] });
          await curl(scene, writing);
          const { stderr } = await end(writing);
          // What is to be typed next is about this database, in any terminal.
          expect(stderr).toContain(`eval "$(tapes --db '${db}' env)"\n`);
          const [, typed] = /recorded 1 call .* · (tapes --db '.*' show \w+)\n/.exec(stderr)!;
          const shown = await run('sh', ['-c', `tapes() { "${process.execPath}" "${tapesBin}" "$@"; }; ${typed}`], {
            env: proxyEnv(scene.tapes),
          });
          expect(shown.stdout).toContain('You said curl');
        }
        const proxy = await stand(scene, {
          options: ['--db', db],
          behind: (argv) => withReadOnly(folder, argv),
        });
        await proxy.said(
          `nothing is recorded: the database ${db} cannot be ${before > 0 ? 'written' : 'made'}`,
          'stderr',
        );
        await proxy.said('hint: name another database with --db FILE', 'stderr');
        expect((await exec(scene.codex, proxy, 'say one')).stdout).toBe('You said one\n');
        expect((await curl(scene, proxy)).stdout).toContain('You said curl');
        const { stderr, exitCode } = await end(proxy);
        expect(exitCode).toBe(0);
        expect(stderr).not.toContain('recorded 1 call');
        expect(stderr).toContain('recorded no calls: what was sent is lost\n');
        expect(stderr.match(/events lost$/gm)).toHaveLength(1);
        if (before > 0) {
          const sessions = JSON.parse((await runTapes(scene.tapes, ['--db', db, 'sessions', '--json'])).stdout) as [];
          expect(sessions).toHaveLength(before);
        }
      }
    },
  );

  it('refuses what it cannot use, before anything is listened on', async () => {
    const scene = await set();
    const refused = async (...options: string[]): Promise<string> => {
      const { exitCode, stdout, stderr } = await launchProxy({ ...scene, options }).ended;
      expect({ exitCode, stdout }).toEqual({ exitCode: 125, stdout: '' });
      return /\[(E_\w+)\]/.exec(stderr)?.[1] ?? stderr;
    };
    expect(await refused('--agent', 'nobody')).toBe('E_AGENT_UNKNOWN');
    expect(await refused('--port', '65536')).toBe('E_PORT_INVALID');
    expect(await refused('--resolve', 'nonsense')).toBe('E_RESOLVE_INVALID');
    expect(await refused('--upstream-proxy', 'ftp://x')).toBe('E_UPSTREAM_PROXY_INVALID');
    writeFileSync(join(scene.tapes.dir, 'tapes.db'), 'this is no database, and was never one');
    expect(await refused()).toBe('E_DB_UNREADABLE');
    expect(existsSync(proxyFile(scene))).toBe(false);
  });
});

describe('tapes env', () => {
  it('prints nothing that leads to a dead port, unless it is asked to', async () => {
    const scene = await set();
    const none = await runTapes(scene.tapes, ['env']);
    expect(none).toMatchObject({ stdout: '', exitCode: 1 });
    expect(none.stderr).toContain('no standing proxy has run on this home yet');
    expect(none.stderr).toContain('hint: start one, in a terminal of its own: tapes proxy  [E_PROXY_NOT_RUNNING]');
    const proxy = await stand(scene);
    await end(proxy);
    const dead = await runTapes(scene.tapes, ['env']);
    expect(dead).toMatchObject({ stdout: '', exitCode: 1 });
    expect(dead.stderr).toContain(`port ${proxy.port} would answer nothing`);
    const forced = await runTapes(scene.tapes, ['env', '--force']);
    expect(forced.stdout).toContain(proxy.environment['HTTPS_PROXY']);
    expect(forced.stderr).toContain('tapes: no standing proxy is running; start one with: tapes proxy');
  });

  it('prints as JSON what it prints for a shell, and what tapes proxy printed', async () => {
    const scene = await set();
    const proxy = await stand(scene);
    const json = JSON.parse((await runTapes(scene.tapes, ['env', '--json'])).stdout) as object;
    expect(json).toEqual({ running: true, port: proxy.port, variables: proxy.environment });
    expect((await runTapes(scene.tapes, ['env', '--shell', 'sh'])).stdout).toBe(proxy.stdout);
    expect(await readProxyEnvironment(scene.tapes)).toEqual(proxy.environment);
  });

  it('is taken in by sh as it is meant, and given back', async () => {
    const scene = await set();
    const proxy = await stand(scene);
    const env = proxyEnv(scene.tapes, {
      PATH: process.env['PATH'] ?? '',
      NO_PROXY: "localhost,chatgpt.com,it's here",
      HTTPS_PROXY: 'http://user:pa$$\'s"s@proxy.example:3128',
      CODEX_CA_CERTIFICATE: '/etc/my roots/$HOME.pem',
    });
    const tapes = `'${process.execPath}' '${tapesBin}'`;
    const show =
      'for n in HTTPS_PROXY https_proxy CODEX_CA_CERTIFICATE NO_PROXY; do eval "echo \\"$n=\\${$n-unset}\\""; done';
    const script = `eval "$(${tapes} env --shell sh)"; ${show}; eval "$(${tapes} env --unset --shell sh)"; ${show}; env | grep -c TAPES_SAVED`;
    const { stdout, stderr } = await run('sh', ['-c', script], { env });
    expect({ stdout, stderr }).toEqual({
      stderr: '',
      stdout: [
        `HTTPS_PROXY=${proxy.environment['HTTPS_PROXY']}`,
        `https_proxy=${proxy.environment['https_proxy']}`,
        `CODEX_CA_CERTIFICATE=${proxy.environment['CODEX_CA_CERTIFICATE']}`,
        "NO_PROXY=localhost,it's,here",
        `HTTPS_PROXY=${env['HTTPS_PROXY']}`,
        'https_proxy=unset',
        `CODEX_CA_CERTIFICATE=${env['CODEX_CA_CERTIFICATE']}`,
        `NO_PROXY=${env['NO_PROXY']}`,
        '0',
        '',
      ].join('\n'),
    });
    // A shell that was never changed has nothing to undo.
    const never = await runTapes(scene.tapes, ['env', '--unset']);
    expect(never).toMatchObject({
      stdout: '',
      exitCode: 0,
      stderr: expect.stringContaining('is not set to') as string,
    });
  });
});
