// How the built program starts: what is loaded before the agent runs, the compiled code that is kept in the home, and that a run is the same
// without it, or without the script that it is of.
import { execFileSync } from 'node:child_process';
import {
  chmodSync,
  cpSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { createRequire, isBuiltin } from 'node:module';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { startStandIn, text, type StandIn } from '../support/chatgpt/index.ts';
import { run, type RunResult } from '../support/run.ts';
import { interceptArgs, makeTapesHome, readSessions, tapesBin, type TapesHome } from '../support/tapes.ts';

const top = resolve(import.meta.dirname, '../..');
const program = join(top, 'program');

let standIn: StandIn;
let tapes: TapesHome;
beforeAll(async () => {
  standIn = await startStandIn({ scenario: () => text('Hello there'), websocket: 'refuse-426' });
});
afterAll(() => standIn.close());
beforeEach(() => {
  tapes = makeTapesHome();
});
afterEach(() => tapes.remove());

const request = JSON.stringify({
  model: 'gpt-5',
  stream: true,
  input: [{ type: 'message', role: 'user', content: [{ type: 'input_text', text: 'say hello' }] }],
});

/** A call by curl, which trusts what tapes tells an agent to. */
function call(bin = tapesBin): Promise<RunResult> {
  const curl = `curl -sS --http1.1 --cacert "$CODEX_CA_CERTIFICATE" -H 'content-type: application/json' -d '${request}' https://chatgpt.com/backend-api/codex/responses`;
  const [, ...args] = interceptArgs({ standIn }, ['sh', '-c', curl], ['--verbose', '--agent', 'codex']);
  return run(process.execPath, [bin, ...args], {
    env: { PATH: process.env['PATH'] ?? '', HOME: tapes.dir, TAPES_HOME: tapes.dir, NO_COLOR: '1' },
  });
}

async function expectRecorded(result: RunResult, calls: number): Promise<void> {
  expect(result).toMatchObject({ exitCode: 0 });
  expect(result.stdout).toContain('response.completed');
  expect(result.stderr).toMatch(/recorded 1 call/);
  const sessions = await readSessions(tapes);
  expect(sessions.reduce((sum, session) => sum + session.calls, 0)).toBe(calls);
}

const codeFile = (): string => {
  const [name, ...others] = readdirSync(join(tapes.dir, 'cache'));
  expect(others).toEqual([]);
  return join(tapes.dir, 'cache', name!);
};

describe('compiled code', () => {
  it('is kept by the first run, for this user alone, and taken by the next', async () => {
    await expectRecorded(await call(), 1);
    const file = codeFile();
    const { ino, mode } = statSync(file);
    expect(mode & 0o777).toBe(0o600);
    await expectRecorded(await call(), 2);
    // It was good as it was, so nobody has written it anew.
    expect(statSync(codeFile()).ino).toBe(ino);
  });

  it.each([
    ['is damaged', (file: string) => writeFileSync(file, readFileSync(file).fill(7, 40_000, 80_000))],
    ['is empty', (file: string) => writeFileSync(file, '')],
    ['may be written by others', (file: string) => chmodSync(file, 0o666)],
  ])('that %s is no matter, and is made anew', async (_what, spoil) => {
    await expectRecorded(await call(), 1);
    const before = statSync(codeFile()).ino;
    spoil(codeFile());
    await expectRecorded(await call(), 2);
    expect(statSync(codeFile()).ino).not.toBe(before);
    expect(statSync(codeFile()).mode & 0o777).toBe(0o600);
  });

  it('that cannot be kept is no matter either', async () => {
    writeFileSync(join(tapes.dir, 'cache'), 'a file in the place of the folder');
    await expectRecorded(await call(), 1);
    await expectRecorded(await call(), 2);
  });
});

describe('the script of the engine', () => {
  /** A program like the built one, which may be spoilt. */
  function copyProgram(): { readonly bin: string; readonly folder: string } {
    const folder = mkdtempSync(join(tmpdir(), 'tapes-program-'));
    for (const part of ['bin', 'program', 'package.json']) {
      cpSync(join(top, part), join(folder, part), { recursive: true });
    }
    symlinkSync(join(top, 'node_modules'), join(folder, 'node_modules'));
    return { bin: join(folder, 'bin/tapes.js'), folder };
  }

  it.each([
    ['is missing', (file: string) => rmSync(file)],
    ['cannot be run', (file: string) => writeFileSync(file, 'throw new Error("spoilt");')],
  ])('that %s is loaded from its modules instead', async (_what, spoil) => {
    const { bin, folder } = copyProgram();
    spoil(join(folder, 'program/engine.cjs'));
    try {
      await expectRecorded(await call(bin), 1);
    } finally {
      rmSync(folder, { recursive: true, force: true });
    }
  });

  it('finds what it has put off where mockttp finds it', () => {
    const require = createRequire(createRequire(import.meta.url).resolve('mockttp/dist/server/http-combo-server'));
    const script = readFileSync(join(program, 'engine.cjs'), 'utf8');
    const putOff = new Set([...script.matchAll(/\brequire\(["']([^"'.][^"']*)["']\)/g)].map(([, name]) => name!));
    const packages = [...putOff].filter((name) => !isBuiltin(name));
    expect(packages).toContain('@peculiar/x509');
    for (const name of packages) {
      expect([name, Object.keys(require(name) as object).length]).not.toContain(0);
    }
  });
});

describe('before the agent starts', () => {
  /** The packages that a file of the program loads, it and what it imports at once. */
  function packagesOf(name: string, seen = new Set<string>()): Set<string> {
    const file = readFileSync(join(program, name), 'utf8');
    const found = new Set<string>();
    for (const [, target = ''] of file.matchAll(/^(?:import|export) (?:[^;]*? from )?"([^"]+)";/gm)) {
      if (target.startsWith('./') && !seen.has(target)) {
        seen.add(target);
        for (const inner of packagesOf(target.slice(2), seen)) found.add(inner);
      } else if (!target.startsWith('.') && !target.startsWith('node:')) found.add(target);
    }
    return found;
  }

  it('neither the engine nor SQLite is loaded, nor what makes certificates', () => {
    const [intercept = ''] = readdirSync(program).filter((name) => /^intercept-\w+\.js$/.test(name));
    expect([...packagesOf('main.js')]).toEqual([]);
    expect([...packagesOf(intercept)]).toEqual([]);
  });

  it('the program can be asked for its version without a home', () => {
    expect(execFileSync(process.execPath, [tapesBin, '--version'], { env: {}, encoding: 'utf8' })).toMatch(
      /^\d+\.\d+\.\d+\n$/,
    );
  });
});
