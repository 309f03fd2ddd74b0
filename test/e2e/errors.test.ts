// What can be wrong before an agent is started: one clear line, a hint, the right exit code, and the agent is not started.
import { generateKeyPairSync } from 'node:crypto';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { chmod, cp, mkdir, mkdtemp, realpath, rm, writeFile } from 'node:fs/promises';
import { createServer, type AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import Database from 'better-sqlite3';
import { needs } from '../support/programs.ts';
import { run, type RunResult } from '../support/run.ts';
import { tapesBin } from '../support/tapes.ts';

let folder: string;
let home: string;
let marker: string;
beforeEach(async () => {
  folder = await realpath(await mkdtemp(join(tmpdir(), 'tapes-errors-')));
  home = join(folder, 'home');
  marker = join(folder, 'the child ran');
});
afterEach(() => rm(folder, { recursive: true, force: true }));

const tapes = (args: readonly string[], env: Record<string, string> = {}): Promise<RunResult> =>
  run(process.execPath, [tapesBin, ...args], {
    env: { PATH: process.env['PATH'] ?? '', HOME: folder, TAPES_HOME: home, ...env },
    cwd: folder,
  });
const intercept = (options: readonly string[] = [], env: Record<string, string> = {}): Promise<RunResult> =>
  tapes(['intercept', ...options, '--', 'touch', marker], env);

function expectRefusal(result: RunResult, exitCode: number, code: string, words: string | RegExp): void {
  expect(result.stderr).toMatch(words);
  expect(result.stderr).toMatch(new RegExp(`^tapes: [^\n]+\nhint: [^\n]+  \\[${code}\\]\n$`));
  expect({ exitCode: result.exitCode, stdout: result.stdout }).toEqual({ exitCode, stdout: '' });
  expect(existsSync(marker)).toBe(false);
}

function execSql(file: string, sql: string): void {
  new Database(file).exec(sql).close();
}

it.each([
  { args: ['intercept', '--', 'true'], exitCode: 125 },
  { args: ['sessions'], exitCode: 1 },
])('a checkout that is not built says how it is built: $args', async ({ args, exitCode }) => {
  await cp(dirname(tapesBin), join(folder, 'bin'), { recursive: true });
  await writeFile(join(folder, 'package.json'), '{"type":"module"}');
  expect(
    await run(process.execPath, [join(folder, 'bin', 'tapes.js'), ...args], { env: {}, cwd: folder }),
  ).toMatchObject({
    exitCode,
    stdout: '',
    stderr: 'tapes: this checkout is not built\nhint: build it, in its folder: npm ci && npm run build\n',
  });
});

it('a bug says where it happened, and no credential of the command line, the environment or a URL', async () => {
  const secrets = [
    'Zx81q7Lm9tR4vKw2Pb6Ny3',
    'k9Wv3Tn7Qs5Xd1Hj8Lc2Mf',
    'sk-proj-A1b2C3d4E5f6G7h8I9j0K1l2M3n4',
    'p4ssw0rd-of-a-proxy',
  ];
  const [fromEnvironment, fromArguments, shaped, ofUrl] = secrets;
  const broken = join(folder, 'broken.cjs');
  // A part of Node that is not expected to fail does, and says all that it knows.
  await writeFile(
    broken,
    `require('node:net').createServer = () => {
      throw new Error(['what was met', ...process.argv, process.env.MY_API_KEY, '${shaped}', process.env.HTTPS_PROXY].join(' '));
    };
    require('node:module').syncBuiltinESMExports();`,
  );
  const result = await tapes(['intercept', '--', 'touch', marker, `--api-key=${fromArguments}`], {
    NODE_OPTIONS: `--require ${broken}`,
    MY_API_KEY: fromEnvironment!,
    HTTPS_PROXY: `http://somebody:${ofUrl}@proxy.example:8080`,
  });
  expect(result.exitCode).toBe(70);
  expect(result.stderr).toMatch(/^tapes: this is a bug in tapes[^]*what was met[^]* at [^]*\nhint: report it/);
  for (const secret of secrets) expect(result.stderr + result.stdout).not.toContain(secret);
  expect(result.stderr).toContain('http://***@proxy.example:8080');
});

describe('the command line', () => {
  it.each([
    { args: ['intercept'], says: /missing required argument 'command'/ },
    { args: ['intercept', '--'], says: /missing required argument 'command'/ },
    { args: ['intercept', '--no-such-flag', '--', 'true'], says: /unknown option '--no-such-flag'/ },
    { args: ['no-such-command'], says: /unknown command 'no-such-command'/ },
    { args: ['show', 'a', 'b'], says: /too many arguments/ },
  ])('$args: what is wrong on stderr, in a few lines, exit 2', async ({ args, says }) => {
    const result = await tapes(args);
    expect({ exitCode: result.exitCode, stdout: result.stdout }).toEqual({ exitCode: 2, stdout: '' });
    expect(result.stderr).toMatch(says);
    expect(result.stderr).toMatch(/\(see `tapes( [a-z]+)? --help`\)\n$/);
    expect(result.stderr.split('\n').length).toBeLessThan(6);
  });

  it.each([
    ['--help'],
    ['intercept', '--help'],
    ['show', '--help'],
    ['sessions', '--help'],
    ['runs', '--help'],
    ['raw', '--help'],
    ['doctor', '--help'],
  ])('%s %s goes to stdout, exits 0 and has an example', async (...args) => {
    const result = await tapes(args.filter((word) => word !== undefined));
    expect(result).toMatchObject({ exitCode: 0, stderr: '' });
    expect(result.stdout).toMatch(/Examples?:\n {2}\$ tapes /);
    expect(result.stdout).not.toContain('default: []');
    expect(result.stdout.split('\n').filter((line) => line.length > 80)).toEqual([]);
  });
});

describe('the command after --', () => {
  it('is not there: 127', async () => {
    const result = await tapes(['intercept', '--', 'no-such-agent']);
    expectRefusal(result, 127, 'E_COMMAND_NOT_FOUND', /command not found: no-such-agent/);
  });

  it('cannot be executed: 126', async () => {
    await writeFile(join(folder, 'agent'), '#!/bin/sh\n');
    const result = await tapes(['intercept', '--', './agent']);
    expectRefusal(result, 126, 'E_COMMAND_NOT_EXECUTABLE', /agent cannot be executed/);
  });

  it('has an interpreter that is not there: told, and the exit code of a shell', async () => {
    await writeFile(join(folder, 'agent'), '#!/no/such/interpreter\n');
    await chmod(join(folder, 'agent'), 0o755);
    const result = await tapes(['intercept', '--', './agent']);
    expect(result.exitCode).toBe(126);
    expect(result.stderr).toMatch(/agent could not be run/);
  });
});

describe('exit 125, and the child is not started, when', () => {
  it('the port is in use', async () => {
    const server = createServer();
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    const { port } = server.address() as AddressInfo;
    const result = await intercept(['--port', String(port)]);
    server.close();
    expectRefusal(result, 125, 'E_PORT_IN_USE', new RegExp(`port ${port} is in use\nhint: run with --port 0`));
  });

  it.each(['x', '-1', '65536', '1.5'])('the port is %s', async (port) => {
    expectRefusal(await intercept([`--port=${port}`]), 125, 'E_PORT_INVALID', /--port .* is not a number/);
  });

  it('the home cannot be written', async () => {
    await writeFile(home, 'a file, where a folder should be');
    expectRefusal(await intercept(), 125, 'E_HOME_NOT_WRITABLE', /home.* cannot be written/);
  });

  it('the root is damaged, loose, or not of its key', async () => {
    expect((await intercept()).exitCode).toBe(0);
    await rm(marker);
    const certificate = join(home, 'ca/root.pem');
    const key = join(home, 'ca/root-key.pem');
    await chmod(key, 0o644);
    expectRefusal(await intercept(), 125, 'E_CA_PERMISSIONS', /others may read/);
    await chmod(key, 0o600);
    await writeFile(key, 'nonsense');
    expectRefusal(await intercept(), 125, 'E_CA_UNREADABLE', /root-key.pem is damaged/);
    await rm(certificate);
    expectRefusal(await intercept(), 125, 'E_CA_UNREADABLE', /incomplete/);
  });

  it('the database is of a newer version, which is left as it is', async () => {
    expect((await intercept()).exitCode).toBe(0);
    await rm(marker);
    execSql(join(home, 'tapes.db'), 'PRAGMA user_version = 9999');
    expectRefusal(await intercept(), 125, 'E_DB_NEWER', /newer/);
    const sessions = await tapes(['sessions']);
    expect(sessions.stderr).toContain('[E_DB_NEWER]');
  });

  it('the database is something else', async () => {
    await mkdir(home, { recursive: true });
    await writeFile(join(home, 'tapes.db'), 'x'.repeat(5000));
    expectRefusal(await intercept(), 125, 'E_DB_UNREADABLE', /is not an SQLite database/);
  });

  it.each(['chatgpt.com', 'chatgpt.com:443', 'a:b:c', 'chatgpt.com:443:127.0.0.1:0'])(
    '--resolve is %s',
    async (value) => {
      expectRefusal(await intercept(['--resolve', value]), 125, 'E_RESOLVE_INVALID', /is not HOST:PORT:ADDRESS/);
    },
  );

  it('--upstream-ca names no file, or a file without certificates', async () => {
    expectRefusal(
      await intercept(['--upstream-ca', join(folder, 'none.pem')]),
      125,
      'E_UPSTREAM_CA_INVALID',
      /cannot read/,
    );
    await writeFile(join(folder, 'empty.pem'), 'nothing here');
    expectRefusal(
      await intercept(['--upstream-ca', join(folder, 'empty.pem')]),
      125,
      'E_UPSTREAM_CA_INVALID',
      /holds no PEM certificate/,
    );
  });

  it('CODEX_CA_CERTIFICATE names a file that cannot be read', async () => {
    const result = await intercept([], { CODEX_CA_CERTIFICATE: join(folder, 'none.pem') });
    expectRefusal(result, 125, 'E_UPSTREAM_CA_INVALID', /named by CODEX_CA_CERTIFICATE/);
  });

  it('the upstream proxy is of a kind that tapes cannot use, whose password is not repeated', async () => {
    const result = await intercept([], { ALL_PROXY: 'socks4://me:hunter22@proxy.example:1080' });
    expectRefusal(result, 125, 'E_UPSTREAM_PROXY_INVALID', /in ALL_PROXY/);
    expect(result.stderr).not.toContain('hunter22');
  });

  it('--agent is unknown', async () => {
    expectRefusal(await intercept(['--agent', 'nobody']), 125, 'E_AGENT_UNKNOWN', /no agent is called nobody/);
  });
});

describe('looking at recordings', () => {
  it('says what to do where there are none', async () => {
    const result = await tapes(['sessions']);
    expect(result.exitCode).toBe(1);
    expect(result.stderr).toMatch(/nothing has been recorded yet.*\nhint: tapes intercept -- codex/);
    expect((await tapes(['sessions', '--home', join(folder, 'elsewhere')])).stderr).toContain('elsewhere');
    expect((await tapes(['sessions', '--db', join(folder, 'other.db')])).stderr).toContain('other.db');
  });

  it('says so where an id is unknown', async () => {
    await intercept();
    for (const args of [
      ['show', 'abcdef'],
      ['raw', 'abcdef', '--request'],
    ]) {
      const result = await tapes(args);
      expect(result).toMatchObject({ exitCode: 1, stdout: '' });
      expect(result.stderr).toMatch(/\[E_NOT_FOUND\]\n$/);
    }
    const raw = await tapes(['raw', 'last']);
    expect(raw.exitCode).toBe(2);
  });
});

describe('the same trouble under a command that starts no agent', () => {
  it('is exit 1: a root that cannot be used, a home that cannot be written, a database that is none', async () => {
    await tapes(['ca', 'create']);
    const key = join(home, 'ca', 'root-key.pem');
    await chmod(key, 0o644);
    for (const args of [
      ['ca', 'install', '--store', 'node'],
      ['ca', 'path'],
      ['ca', 'export'],
    ]) {
      expectRefusal(await tapes(args), 1, 'E_CA_PERMISSIONS', /others may read/);
    }
    expectRefusal(await tapes(['proxy']), 125, 'E_CA_PERMISSIONS', /others may read/);
    await chmod(key, 0o600);
    await writeFile(key, 'nonsense');
    expectRefusal(await tapes(['ca', 'install', '--store', 'node']), 1, 'E_CA_UNREADABLE', /is damaged/);
    const { privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
    await writeFile(key, privateKey.export({ type: 'pkcs8', format: 'pem' }));
    expectRefusal(await tapes(['ca', 'install', '--store', 'node']), 1, 'E_CA_MISMATCH', /does not match its key/);
    expectRefusal(await intercept(), 125, 'E_CA_MISMATCH', /does not match its key/);
    expectRefusal(await tapes(['ca', 'create', '--host-name', '*']), 1, 'E_HOST_NAME_INVALID', /cannot be permitted/);
    expectRefusal(await tapes(['doctor', 'nobody']), 1, 'E_AGENT_UNKNOWN', /no agent is called nobody/);
    await writeFile(join(home, 'tapes.db'), 'this is no database, and was never one');
    expectRefusal(await tapes(['sessions']), 1, 'E_DB_UNREADABLE', /is not an SQLite database/);
    await writeFile(join(folder, 'file'), '');
    expectRefusal(
      await tapes(['--home', join(folder, 'file'), 'ca', 'rotate']),
      1,
      'E_HOME_NOT_WRITABLE',
      /cannot be written/,
    );
  });
});

const clock = needs('faketime');
describe.skipIf(clock.skip)(`a clock that is far off${clock.reason}`, () => {
  const at = (day: string, ...args: readonly string[]): Promise<RunResult> =>
    run('faketime', [day, process.execPath, tapesBin, ...args], {
      env: { PATH: process.env['PATH'] ?? '', HOME: folder, TAPES_HOME: home },
      cwd: folder,
    });

  it('is told by all that need a root, before one is made and before anything is started', async () => {
    const install = ['ca', 'install', '--store', 'node'];
    expectRefusal(await at('1999-01-02', ...install), 1, 'E_CLOCK_WRONG', /says 1999-01-02.*\nhint: set the clock/);
    expect(existsSync(join(home, 'ca'))).toBe(false);
    await tapes(install);
    for (const [wanted, args] of [
      [1, install],
      [125, ['proxy']],
      [125, ['intercept', '--', 'touch', marker]],
    ] as const) {
      expectRefusal(
        await at('2026-01-02', ...args),
        wanted,
        'E_CLOCK_WRONG',
        /but the root was made on .*\nhint: set the clock/,
      );
      expectRefusal(await at('2099-01-02', ...args), wanted, 'E_CA_EXPIRED', /expired on .*\nhint: .*tapes ca rotate/);
    }
    const status = await at('2026-01-02', 'ca', 'status', '--store', 'node');
    expect(status.exitCode).toBe(1);
    expect(status.stdout).toMatch(/^FAIL {2}the clock of this machine says 2026-01-02/m);
  });
});

describe('what is to be typed next', () => {
  it('names the home that was named, and does what it says when it is pasted', async () => {
    const other = join(folder, "it's another home");
    await tapes(['--home', other, 'ca', 'create']);
    await writeFile(join(other, 'ca', 'root-key.pem'), 'nonsense');
    const refused = await tapes(['ca', 'install', '--store', 'node', '--home', other]);
    const [, typed] = /^hint: .*: (tapes --home .* ca rotate) {2}\[E_CA_UNREADABLE\]$/m.exec(refused.stderr)!;
    const status = JSON.parse((await tapes(['--home', other, 'ca', 'status', '--json'])).stdout) as {
      problem: { hint: string };
    };
    expect(status.problem.hint).toContain(typed);
    expect((await tapes(['--home', other, 'ca', 'status'])).stdout).toContain(typed);
    expect((await tapes(['--home', other, 'doctor'])).stdout).toContain(typed);
    const paste = (line: string): Promise<RunResult> =>
      run('sh', ['-c', `tapes() { "${process.execPath}" "${tapesBin}" "$@"; }\n${line}`], {
        env: { PATH: process.env['PATH'] ?? '', HOME: folder },
        cwd: '/',
      });
    expect((await paste(typed!)).exitCode).toBe(0);
    expect((await tapes(['--home', other, 'ca', 'path'])).exitCode).toBe(0);
    expect(existsSync(join(folder, '.tapes'))).toBe(false);

    const db = join(folder, 'another.db');
    const none = await tapes(['--db', db, 'env']);
    expect(none.stderr).toContain(`hint: start one, in a terminal of its own: tapes --db ${db} proxy  [`);
  });
});
