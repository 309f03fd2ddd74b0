// `tapes doctor codex`: the proof with the real Codex, with programs that only call themselves so, and what it leaves behind: nothing.
import { execFileSync } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import {
  chmodSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  realpathSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { once } from 'node:events';
import { createServer, type AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { delimiter, dirname, join } from 'node:path';
import { afterEach, describe, expect, it } from 'vitest';
import { openRoot } from '../../src/ca/index.ts';
import { testRootFile } from '../support/certificates.ts';
import { codexBin } from '../support/codex.ts';
import { endProcesses, findProcesses } from '../support/processes.ts';
import { start, type RunResult, type Running } from '../support/run.ts';
import { findTexts, tapesBin } from '../support/tapes.ts';

interface Check {
  readonly name: string;
  readonly status: string;
  readonly message: string;
  readonly hint?: string;
  readonly mended?: string;
  readonly durationMs: number;
}

const closing: (() => unknown)[] = [];
afterEach(() => {
  for (const close of closing.splice(0).reverse()) close();
});

const trialChecks = ['proxy', 'trust', 'fallback', 'authorization', 'answer', 'recording', 'network'];

/** A machine of its own: a user's home with a login that nobody may touch, a home of tapes, a temporary folder, a PATH. */
class Machine {
  readonly folder = realpathSync(mkdtempSync(join(tmpdir(), 'tapes-doctor-test-')));
  readonly mark = randomBytes(8).toString('hex');
  readonly token = `poison-${randomBytes(16).toString('hex')}`;
  readonly tapesHome = join(this.folder, 'tapes');
  readonly codexHome = join(this.folder, 'user', '.codex');
  readonly temporary = join(this.folder, 'tmp');
  #path = dirname(codexBin().wrapper);

  constructor() {
    for (const path of [this.codexHome, this.temporary, this.tapesHome])
      mkdirSync(path, { recursive: true, mode: 0o700 });
    const tokens = {
      id_token: this.token,
      access_token: this.token,
      refresh_token: this.token,
      account_id: this.token,
    };
    writeFileSync(join(this.codexHome, 'auth.json'), JSON.stringify({ auth_mode: 'chatgpt', tokens }));
    writeFileSync(join(this.codexHome, 'config.toml'), `model = "${this.token}"\n`);
    closing.push(() => {
      endProcesses('TAPES_TEST_MARK', this.mark);
      rmSync(this.folder, { recursive: true, force: true });
    });
  }

  /** Puts a script in place of Codex. `$REAL` is the real one. */
  script(...lines: readonly string[]): string {
    const folder = join(this.folder, 'bin');
    const file = join(folder, 'codex');
    mkdirSync(folder, { recursive: true });
    writeFileSync(file, ['#!/bin/sh', `REAL='${codexBin().native}'`, ...lines, ''].join('\n'));
    chmodSync(file, 0o755);
    this.#path = folder;
    return file;
  }

  start(args: readonly string[], env: Readonly<Record<string, string>> = {}): Running {
    return start(process.execPath, [tapesBin, 'doctor', ...args], {
      env: {
        PATH: [this.#path, dirname(process.execPath), process.env['PATH'] ?? ''].join(delimiter),
        HOME: dirname(this.codexHome),
        CODEX_HOME: this.codexHome,
        TAPES_HOME: this.tapesHome,
        TMPDIR: this.temporary,
        TAPES_TEST_MARK: this.mark,
        NO_COLOR: '1',
        ...env,
      },
    });
  }

  async prove(...args: readonly string[]): Promise<{ run: RunResult; checks: Map<string, Check> }> {
    const run = await this.start(['codex', '--json', ...args]).ended;
    const { checks } = JSON.parse(run.stdout) as { checks: Check[] };
    return { run, checks: new Map(checks.map((check) => [check.name, check])) };
  }

  /** Files that are left in the temporary folder, and processes that are still there. */
  left(): unknown {
    return {
      files: readdirSync(this.temporary),
      processes: findProcesses('TAPES_TEST_MARK', this.mark).map(({ command }) => command),
    };
  }

  /** Every file of the user's, with its time. */
  users(): string[] {
    return readdirSync(dirname(this.codexHome), { recursive: true, encoding: 'utf8' }).map(
      (name) => `${name} ${statSync(join(dirname(this.codexHome), name)).mtimeMs}`,
    );
  }
}

const nothing = { files: [], processes: [] };
const statusOf = (checks: Map<string, Check>): string[] =>
  trialChecks.map((name) => checks.get(name)?.status ?? 'missing');

describe('tapes doctor codex', () => {
  it('proves all of it with the real Codex in a few seconds, and touches nothing of the user', async () => {
    const machine = new Machine();
    const before = machine.users();
    const { run, checks } = await machine.prove();
    expect({ run, bad: [...checks.values()].filter(({ status }) => status !== 'ok') }).toMatchObject({
      run: { exitCode: 0, stderr: '' },
      bad: [],
    });
    expect([...checks.keys()].slice(-trialChecks.length)).toEqual(trialChecks);
    expect(checks.get('agent')!.message).toContain('codex-cli 0.169.0');
    expect(checks.get('trust')!.message).toContain('a throw-away root');
    expect(checks.get('fallback')!.message).toContain('426');
    expect(checks.get('recording')!.message).toContain('1255 tokens');
    expect(checks.get('network')!.message).toContain('refused at the proxy: ab.chatgpt.com');
    for (const name of ['proxy', 'trust', 'answer', 'recording'])
      expect(checks.get(name)!.durationMs).toBeGreaterThan(0);
    // Two seconds on a quiet machine; this one has others at work on it.
    expect(run.durationMs).toBeLessThan(20_000);
    expect(machine.left()).toEqual(nothing);
    expect(machine.users()).toEqual(before);
    expect(readdirSync(machine.tapesHome)).toEqual([]);
    expect(run.stdout).not.toContain(machine.token);
  });

  it('never opens the login of the user: here whoever does waits for ever', async () => {
    const machine = new Machine();
    for (const name of ['auth.json', 'config.toml']) {
      rmSync(join(machine.codexHome, name));
      execFileSync('sh', ['-c', 'mkfifo "$1"', 'sh', join(machine.codexHome, name)]);
    }
    const { run, checks } = await machine.prove();
    expect({ exitCode: run.exitCode, status: statusOf(checks) }).toEqual({
      exitCode: 0,
      status: trialChecks.map(() => 'ok'),
    });
  });

  it('logs in with nothing of the environment, and is not led elsewhere by it', async () => {
    const machine = new Machine();
    const env = {
      CODEX_API_KEY: `sk-proj-${machine.token}`,
      OPENAI_BASE_URL: 'https://example.com/v1',
      CODEX_ACCESS_TOKEN: machine.token,
      NO_PROXY: '*',
      ALL_PROXY: 'http://127.0.0.1:9',
    };
    const run = await machine.start(['codex'], env).ended;
    expect(run).toMatchObject({ exitCode: 0, stderr: '' });
    expect(run.stdout).toMatch(/^note {2}proxy variables {2}NO_PROXY covers chatgpt.com/m);
    expect(run.stdout).toMatch(/^ok {4}authorization /m);
    expect(run.stdout).toContain('\nproved: this codex works under tapes, and is recorded\n');
    expect(run.stdout).not.toContain(machine.token);
  });

  it('lets what it runs reach nothing else by the proxy: not by TLS, not in the clear', async () => {
    const machine = new Machine();
    const server = createServer((socket) => socket.destroy());
    let connections = 0;
    server.on('connection', () => (connections += 1));
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    closing.push(() => server.close());
    const { port } = server.address() as AddressInfo;
    const ask = (url: string): string => `curl -s -o /dev/null -w '%{http_connect} %{http_code};' ${url} >&2`;
    machine.script(
      '[ "$1" = --version ] && exit 0',
      `${ask(`https://localhost:${port}`)}; ${ask(`http://localhost:${port}`)}; ${ask(`https://chatgpt.com:${port}`)}`,
    );
    const { checks } = await machine.prove();
    expect(checks.get('proxy')!.message).toContain('it said: 403 000;000 405;403 000;');
    expect(checks.get('proxy')!.message).toContain(`only localhost:${port}, chatgpt.com:${port} came to the proxy`);
    expect(connections).toBe(0);
  });

  it('uses the root of the user where there is one', async () => {
    const machine = new Machine();
    const { certificateFile } = await openRoot(join(machine.tapesHome, 'ca'), ['chatgpt.com', 'api.openai.com']);
    const { run, checks } = await machine.prove();
    expect(run.exitCode).toBe(0);
    expect(checks.get('trust')).toMatchObject({ status: 'ok', message: expect.stringContaining(certificateFile) });
    expect(findTexts(machine.tapesHome, { token: machine.token })).toEqual([]);
    // Joined with roots that the user had named.
    const named = await machine.start(['codex'], { CODEX_CA_CERTIFICATE: testRootFile }).ended;
    expect(named.stdout).toMatch(/^ok {4}trust variables {2}CODEX_CA_CERTIFICATE names 1 roots/m);
    expect(named.stdout).toContain('\nproved: this codex works under tapes, and is recorded\n');
  });
});

describe('what is not Codex, or not as it should be, is told with its cause and the next command', () => {
  const skipped = (count: number): string[] => Array.from({ length: count }, () => 'skip');

  it('a program that does nothing', async () => {
    const machine = new Machine();
    const file = machine.script('[ "$1" = --version ] && echo codex-cli 9.9.9', 'exit 3');
    const { run, checks } = await machine.prove();
    expect(run.exitCode).toBe(1);
    expect(statusOf(checks)).toEqual(['fail', ...skipped(5), 'ok']);
    expect(checks.get('proxy')).toMatchObject({
      message: 'nothing came to the proxy: codex exits with 3',
      hint: expect.stringContaining(file),
    });
    expect(machine.left()).toEqual(nothing);
  });

  it('a program that hangs is killed in time, with all that it has started', async () => {
    const machine = new Machine();
    machine.script(
      '[ "$1" = --version ] && exit 0',
      'setsid sleep 600 &',
      'sleep 600 &',
      'trap "" TERM INT',
      'wait',
      'sleep 600',
    );
    const { run, checks } = await machine.prove('--timeout', '2');
    expect(run.exitCode).toBe(1);
    expect(checks.get('proxy')!.message).toContain('codex had not ended after 2 s, and was killed');
    expect(run.durationMs).toBeLessThan(20_000);
    expect(machine.left()).toEqual(nothing);
  });

  it('the real Codex behind a script that leads it past the proxy', async () => {
    const machine = new Machine();
    const file = machine.script('export NO_PROXY=chatgpt.com no_proxy=chatgpt.com', 'exec "$REAL" "$@"');
    const { run, checks } = await machine.prove('--timeout', '4');
    expect(run.exitCode).toBe(1);
    expect(statusOf(checks)).toEqual(['fail', ...skipped(5), 'ok']);
    expect(checks.get('proxy')!.hint).toContain(`NO_PROXY? see: head -n 40 ${file}`);
    expect(machine.left()).toEqual(nothing);
  });

  it('the real Codex that is not told of the root, as a version that does not read the variable', async () => {
    const machine = new Machine();
    machine.script(
      '[ "$1" = --version ] && { echo codex-cli 0.114.0; exit 0; }',
      'unset CODEX_CA_CERTIFICATE',
      'exec "$REAL" "$@"',
    );
    const { run, checks } = await machine.prove();
    expect(run.exitCode).toBe(1);
    expect(statusOf(checks)).toEqual(['ok', 'fail', ...skipped(4), 'ok']);
    expect(checks.get('trust')).toMatchObject({
      message: expect.stringContaining(
        'codex-cli 0.114.0 does not know CODEX_CA_CERTIFICATE, which 0.115 and later read',
      ),
      hint: 'npm install -g @openai/codex@latest',
    });
    // It tries for twenty seconds; that it refuses is known after one.
    expect(run.durationMs).toBeLessThan(15_000);
  });

  it('the real Codex behind a script that names another root', async () => {
    const machine = new Machine();
    const file = machine.script('export CODEX_CA_CERTIFICATE=/etc/ssl/certs/ca-certificates.crt', 'exec "$REAL" "$@"');
    const { checks } = await machine.prove();
    expect(checks.get('trust')).toMatchObject({
      status: 'fail',
      hint: `a script starts it: does that set CODEX_CA_CERTIFICATE or SSL_CERT_FILE? see: head -n 40 ${file}`,
    });
  });

  it('the real Codex with another login than the one that it was given', async () => {
    const machine = new Machine();
    machine.script(
      '[ "$1" = exec ] && sed -i \'s/"account_id":"acc-/"account_id":"acx-/\' "$CODEX_HOME/auth.json"',
      'exec "$REAL" "$@"',
    );
    const { run, checks } = await machine.prove();
    expect(run.exitCode).toBe(1);
    expect(checks.get('authorization')).toMatchObject({
      status: 'fail',
      message: 'the model call came without the account of its login',
    });
    expect(statusOf(checks)).toEqual(['ok', 'ok', 'ok', 'fail', 'skip', 'skip', 'ok']);
  });

  it('a root that permits other domains only; --fix makes a new one, and the old one is still told of', async () => {
    const machine = new Machine();
    const ca = join(machine.tapesHome, 'ca');
    const { certificatePem } = await openRoot(ca, ['example.com']);
    const before = await machine.prove();
    expect(before.run.exitCode).toBe(1);
    expect(before.checks.get('root')!.status).toBe('fail');
    expect(before.checks.get('trust')).toMatchObject({
      status: 'fail',
      message: `refuses the certificate for chatgpt.com: ${join(ca, 'root.pem')} permits example.com only`,
      hint: 'tapes doctor codex --fix',
    });
    const after = await machine.prove('--fix');
    expect(after.run.exitCode).toBe(0);
    expect(after.checks.get('root')).toMatchObject({
      status: 'ok',
      mended: expect.stringMatching(/^made a new root, valid until 20.* \(tapes ca rotate\)$/),
    });
    expect(after.checks.get('trust')!.message).toContain(join(ca, 'root.pem'));
    expect(readFileSync(join(ca, 'root.pem'), 'utf8')).toContain(certificatePem.trim());
  });

  it('no Codex at all: how to get one, and the rest is still looked at', async () => {
    const machine = new Machine();
    const run = await machine.start(['codex', '--json'], { PATH: '/nowhere' }).ended;
    const { checks } = JSON.parse(run.stdout) as { checks: Check[] };
    expect(run.exitCode).toBe(1);
    expect(checks.find(({ name }) => name === 'agent')).toMatchObject({
      status: 'fail',
      hint: 'npm install -g @openai/codex',
    });
    expect(checks.at(-1)).toMatchObject({ name: 'round trip', status: 'ok' });
  });

  it('a time that is none, and one without an agent to take it', async () => {
    const machine = new Machine();
    for (const args of [
      ['codex', '--timeout', 'soon'],
      ['--timeout', '5'],
    ]) {
      const run = await machine.start(args).ended;
      expect(run).toMatchObject({
        exitCode: 2,
        stdout: '',
        stderr: expect.stringContaining('hint: tapes doctor codex'),
      });
    }
  });
});

describe('a proof that is broken off', () => {
  const hanging = ['[ "$1" = --version ] && exit 0', 'touch "$CODEX_HOME/../../../started"', 'sleep 600'];

  async function untilStarted(machine: Machine): Promise<void> {
    const { watch } = await import('node:fs/promises');
    const signal = AbortSignal.timeout(20_000);
    const seen = (): boolean => readdirSync(machine.folder).includes('started');
    const changes = watch(machine.folder, { signal });
    if (seen()) return;
    for await (const _ of changes) if (seen()) return;
  }

  it.each(['SIGINT', 'SIGTERM', 'SIGHUP'] as const)('by %s dies of it, and leaves nothing behind', async (signal) => {
    const machine = new Machine();
    machine.script(...hanging);
    const running = machine.start(['codex']);
    await untilStarted(machine);
    running.kill(signal);
    expect(await running.ended).toMatchObject({ signal, exitCode: null, stdout: '' });
    expect(machine.left()).toEqual(nothing);
  });

  it('by kill -9 is cleaned up by the next one', async () => {
    const machine = new Machine();
    machine.script(...hanging);
    const running = machine.start(['codex']);
    await untilStarted(machine);
    running.kill('SIGKILL');
    expect(readdirSync(machine.temporary)).toHaveLength(1);
    machine.script('exec "$REAL" "$@"');
    expect((await machine.prove()).run.exitCode).toBe(0);
    // The program that hung is ended by it, and so are its pipes.
    await running.ended;
    expect(machine.left()).toEqual(nothing);
  });
});
