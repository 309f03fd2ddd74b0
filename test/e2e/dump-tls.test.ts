// Ciphertext with its keys, of a run of the real Codex: one file that tshark decrypts by itself, and that shows nothing once its keys are taken out.
import { readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, describe, expect, it } from 'vitest';

import { startStandIn, text, type StandInOptions } from '../support/chatgpt/index.ts';
import { makeCodexHome } from '../support/codex.ts';
import { run } from '../support/run.ts';
import { interceptArgs, makeTapesHome, runCodex, sceneEnv, tapesBin, type Scene } from '../support/tapes.ts';
import { runTool, tshark, tsharkComplaints, tsharkFields } from '../support/tshark.ts';

const closing: (() => unknown)[] = [];
afterEach(async () => {
  for (const close of closing.splice(0).reverse()) await close();
});

async function set(options: StandInOptions = {}): Promise<Scene> {
  const standIn = await startStandIn(options);
  const codex = makeCodexHome();
  const tapes = makeTapesHome();
  closing.push(() => standIn.close(), codex.remove, tapes.remove);
  return { standIn, codex, tapes };
}

const exec = (...args: string[]): string[] => ['exec', '--skip-git-repo-check', ...args];

/** The legs on which decrypted bytes hold this text, whether or not what holds it came to its end: Codex hangs up once it has read enough. */
function legsWith(file: string, found: string, ...options: string[]): string[] {
  const streams = tshark(
    file,
    '-Y',
    'tls.handshake.type == 2',
    '-T',
    'fields',
    '-e',
    'tcp.stream',
    '-e',
    'frame.interface_name',
  );
  const legOf = new Map(streams.map((line) => line.split('\t') as [string, string]));
  // All in one call: tshark reads the file once for each.
  const asked = [...legOf.keys()].flatMap((stream) => ['-z', `follow,tls,ascii,${stream}`]);
  const followed = tshark(file, ...options, '-q', ...asked)
    .join('\n')
    .split('Follow: tls,ascii\n');
  const legs = followed.flatMap((text) => {
    const leg = legOf.get(/^Filter: \w+\.stream eq (\d+)/.exec(text)?.[1] ?? '');
    return leg !== undefined && text.replaceAll('\n', '').includes(found) ? [leg] : [];
  });
  return [...new Set(legs)].sort();
}

describe.each([
  ['HTTP/2', true],
  ['HTTP/1.1', false],
])('--dump-tls, over %s', (_, http2) => {
  it('opens decrypted, on both sides, and changes nothing for Codex', async () => {
    const scene = await set({ http2, scenario: [text('These words were streamed')] });
    const file = join(scene.tapes.dir, 'run-SECRET.pcapng');
    const { stdout, stderr, exitCode } = await runCodex(scene, exec('hello'), { options: ['--dump-tls', file] });
    expect({ stdout, exitCode }).toEqual({ stdout: 'These words were streamed\n', exitCode: 0 });
    expect(stderr).toMatch(
      /^tapes: warning: .*run-SECRET\.pcapng will hold the keys of its connections, and so your login/m,
    );
    expect(statSync(file).mode & 0o777).toBe(0o600);
    // What was on the wire stays: zstd, too, which tshark 4.0 does not know and warns of.
    expect(tsharkComplaints(file, '-o', 'http.decompress_body:FALSE')).toEqual([]);
    expect(legsWith(file, '"type":"response.completed"')).toEqual(['agent', 'provider']);
    const handshakes = tsharkFields(file, 'tls.handshake.type == 2', 'frame.interface_name');
    expect(handshakes.length).toBeGreaterThan(3);
    const decrypted = tsharkFields(file, 'tls.handshake.type == 20', 'frame.interface_name');
    expect(decrypted.length).toBeGreaterThanOrEqual(handshakes.length);

    const plain = join(scene.tapes.dir, 'plain.pcapng');
    runTool('editcap', '--discard-all-secrets', file, plain);
    expect(tshark(plain, '-Y', 'http || http2')).toEqual([]);
    expect(readFileSync(plain).includes('These words')).toBe(false);
    expect(tsharkFields(plain, 'tls.app_data', 'tls.record.content_type').length).toBeGreaterThan(10);
  });
});

describe('a key log', () => {
  it.each([['--keylog'], ['SSLKEYLOGFILE']])('by %s opens a capture that has no keys', async (how) => {
    const scene = await set({ scenario: [text('These words were streamed')] });
    const [file, keys, plain] = ['run-SECRET.pcapng', 'keys.log', 'plain.pcapng'].map((name) =>
      join(scene.tapes.dir, name),
    ) as [string, string, string];
    const { stderr, exitCode } = await runCodex(scene, exec('hello'), {
      options: ['--dump-tls', file, ...(how === '--keylog' ? ['--keylog', keys] : [])],
      env: how === '--keylog' ? {} : { SSLKEYLOGFILE: keys },
    });
    expect(exitCode).toBe(0);
    expect(stderr).toMatch(/^tapes: warning: .*keys\.log gets the keys of this run's connections/m);
    expect(statSync(keys).mode & 0o777).toBe(0o600);
    runTool('editcap', '--discard-all-secrets', file, plain);
    expect(legsWith(plain, 'response.completed')).toEqual([]);
    expect(legsWith(plain, 'response.completed', '-o', `tls.keylog_file:${keys}`)).toEqual(['agent', 'provider']);
  });

  it('alone needs no dump', async () => {
    const scene = await set({ scenario: [text('done')] });
    const keys = join(scene.tapes.dir, 'keys.log');
    const { stdout } = await runCodex(scene, exec('hello'), { options: ['--keylog', keys] });
    expect(stdout).toBe('done\n');
    expect(readFileSync(keys, 'utf8')).toMatch(/^(\w+ [0-9a-f]{64} [0-9a-f]+\n)+$/);
  });
});

describe('what is refused', () => {
  const cases: [name: string, options: string[], says: RegExp][] = [
    [
      'a name that does not say SECRET',
      ['--dump-tls', 'run.pcapng'],
      /must say so in its name\nhint: .*run-SECRET\.pcapng.*\[E_DUMP_FORMAT\]/,
    ],
    ['another ending', ['--dump-tls', 'run-SECRET.pcap'], /\[E_DUMP_FORMAT\]/],
    [
      'a key log where none can be',
      ['--keylog', 'none/keys.log'],
      /the key log none\/keys\.log cannot be written.*\nhint: .*\[E_DUMP_UNUSABLE\]/,
    ],
  ];
  it.each(cases)('is %s, before anything runs', async (_, options, says) => {
    const scene = await set();
    const { stdout, stderr, exitCode } = await run(
      process.execPath,
      [tapesBin, 'intercept', ...options, '--', 'echo', 'ran'],
      {
        env: sceneEnv(scene),
        cwd: scene.tapes.dir,
      },
    );
    expect({ stdout, exitCode }).toEqual({ stdout: '', exitCode: 125 });
    expect(stderr).toMatch(says);
  });

  it('never the traffic: a connection that the agent resets is told as that', async () => {
    const scene = await set({ scenario: () => text('word '.repeat(50)) });
    const file = join(scene.tapes.dir, 'run-SECRET.pcapng');
    const post = `curl -sS --no-buffer --cacert "$CODEX_CA_CERTIFICATE" -d '{"model":"m","input":[]}' https://chatgpt.com/backend-api/codex/responses`;
    const { stdout, exitCode } = await run(
      process.execPath,
      interceptArgs(scene, ['sh', '-c', `${post} | head -c 20 >/dev/null; ${post}`], ['--dump-tls', file]),
      {
        cwd: scene.codex.project,
        env: sceneEnv(scene),
      },
    );
    expect(exitCode).toBe(0);
    expect(stdout).toContain('response.completed');
    expect(tsharkComplaints(file)).toEqual([]);
  });
});
