// The real Codex under `tapes intercept --dump`: what Wireshark, a HAR reader and grep find in the files while and after it runs, against
// what Codex printed and what the database holds.
import { existsSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { HarValidator } from '@har-sdk/validator';
import { afterEach, describe, expect, it } from 'vitest';

import { execCommand, text, toolCall } from '../support/chatgpt/index.ts';
import { codexBin } from '../support/codex.ts';
import { openDumpScene, type DumpScene } from '../support/dump-scene.ts';
import { run, start } from '../support/run.ts';
import { canMountSmallDisk, mountSmallDisk } from '../support/small-disk.ts';
import { findTexts, interceptArgs, readCalls, runCodex, runTapes, sceneEnv, tapesBin } from '../support/tapes.ts';
import { exportedBodies, httpMessages, tshark, tsharkComplaints, tsharkFields } from '../support/tshark.ts';

const closing: (() => unknown)[] = [];
afterEach(async () => {
  for (const close of closing.splice(0).reverse()) await close();
});

async function set(...options: Parameters<typeof openDumpScene>): Promise<DumpScene> {
  const scene = await openDumpScene(...options);
  closing.push(scene.close);
  return scene;
}

const exec = (...args: string[]): string[] => ['exec', '--skip-git-repo-check', ...args];

interface Har {
  readonly log: {
    readonly entries: readonly {
      readonly request: { readonly url: string; readonly postData?: { readonly text: string } };
      readonly response: { readonly status: number; readonly content: { readonly text?: string } };
      readonly _tapes: { readonly callId?: string; readonly chunks?: readonly [number, number][] };
    }[];
  };
}

describe('a dump of a run of Codex', () => {
  it('gives Wireshark, browsers and grep what the database has, and no secret', async () => {
    const scene = await set((accessToken) => ({
      scenario: [toolCall({ input: execCommand(`printf '%s' ${accessToken}`) }), text(`Your token is ${accessToken}.`)],
    }));
    const token = scene.codex.tokens.accessToken;
    const { stdout, stderr, exitCode } = await runCodex(scene, exec('show my token'), {
      options: ['--dump', `${scene.folder}/`],
    });
    expect({ stdout, exitCode }).toEqual({ stdout: `Your token is ${token}.\n`, exitCode: 0 });
    const files = readdirSync(scene.folder).map((name) => join(scene.folder, name));
    const [har = '', pcapng = '', txt = ''] = files.sort();
    expect(files.map((file) => file.replace(/.*\./, ''))).toEqual(['har', 'pcapng', 'txt']);
    for (const file of files) {
      expect(statSync(file).mode & 0o777).toBe(0o600);
      expect(stderr).toContain(`tapes: dumped ${statSync(file).size.toLocaleString('en-US')} bytes to ${file}\n`);
    }

    expect(tsharkComplaints(pcapng)).toEqual([]);
    const calls = await readCalls(scene.tapes);
    expect(calls).toHaveLength(2);
    const bodies = exportedBodies(pcapng).map(String);
    const { entries } = (JSON.parse(readFileSync(har, 'utf8')) as Har).log;
    expect(await new HarValidator().verify(JSON.parse(readFileSync(har, 'utf8')) as never)).toEqual([]);
    for (const { id } of calls) {
      const [request, response] = await Promise.all(
        ['request', 'response'].map(async (side) => (await runTapes(scene.tapes, ['raw', id, `--${side}`])).stdout),
      );
      // On the agent's side and on the provider's.
      expect(bodies.filter((body) => body === request)).toHaveLength(2);
      expect(bodies.filter((body) => body === response)).toHaveLength(2);
      const entry = entries.find(({ _tapes }) => _tapes.callId === id)!;
      expect(entry.request.postData?.text).toBe(request);
      expect(entry.response.content.text).toBe(response);
      expect(tsharkFields(pcapng, `frame.comment contains "tapes show ${id}"`, 'frame.number').length).toBeGreaterThan(
        3,
      );
    }

    // Every exchange of the database, on both sides.
    const dumped = httpMessages(pcapng).filter(({ leg, status }) => leg === 'agent' && status !== '');
    const { stdout: fromDatabase } = await runTapes(scene.tapes, ['dump', 'last', '--format', 'har']);
    expect((JSON.parse(fromDatabase) as Har).log.entries).toHaveLength(2);
    expect(dumped.map(({ status }) => status).sort()).toEqual(
      entries.map(({ response }) => String(response.status)).sort(),
    );
    const sides = (leg: string): string[] =>
      httpMessages(pcapng)
        .filter((message) => message.leg === leg && message.method === 'POST')
        .map(({ uri }) => uri);
    expect(sides('provider').sort()).toEqual(sides('agent').sort());
    const ends = tsharkFields(
      pcapng,
      'frame.interface_name == "provider" && tcp.flags.syn == 1 && tcp.flags.ack == 0',
      'ip.dst',
    );
    expect(new Set(ends.map(([address]) => address))).toEqual(new Set(['127.0.0.1']));
    expect(tshark(pcapng, '-Y', 'http.response.code == 426').length).toBeGreaterThan(0);

    const secrets = { ...scene.codex.tokens, proxy: 'tapes:' };
    expect(findTexts(scene.folder, { access: token, refresh: secrets.refreshToken, id: secrets.idToken })).toEqual([]);
    const lines = readFileSync(txt, 'utf8');
    expect(lines).toMatch(
      / > POST https:\/\/chatgpt\.com:?\d*\/backend-api\/codex\/responses HTTP\/2\.0 call=[0-9a-f]{20} turn=/,
    );
    expect(lines).toContain('event: response.completed');
    expect(lines).toContain('masked:');
  });

  it('shows one HTTP/1.1 connection as one, with its requests, its ports and its end', async () => {
    const scene = await set({ http2: false, scenario: () => text('Hello') });
    const file = join(scene.folder, 'run.pcapng');
    const url = 'https://chatgpt.com/backend-api/codex/responses';
    const twice = `curl -sS --cacert "$CODEX_CA_CERTIFICATE" -H 'content-type: application/json' -d '{"model":"m","input":[]}' ${url} ${url}; sleep 1`;
    const args = interceptArgs(scene, ['sh', '-c', twice], ['--dump', file]);
    const { stdout, exitCode } = await run(process.execPath, args, { cwd: scene.codex.project, env: sceneEnv(scene) });
    expect(exitCode).toBe(0);
    expect(stdout.match(/event: response\.completed/g)).toHaveLength(2);
    expect(tsharkComplaints(file)).toEqual([]);
    for (const leg of ['agent', 'provider']) {
      const messages = httpMessages(file).filter((message) => message.leg === leg);
      expect(messages.map(({ method, status }) => method || status)).toEqual(['POST', '200', 'POST', '200']);
      expect(new Set(messages.map(({ stream }) => stream)).size).toBe(1);
      const fins = tsharkFields(
        file,
        `frame.interface_name == "${leg}" && tcp.flags.fin == 1`,
        'tcp.srcport',
        'frame.comment',
      );
      expect(fins.map(([port, comment]) => [port === '80', comment])).toEqual([
        [false, ''],
        [true, ''],
      ]);
    }
    const sentHeaders = tsharkFields(
      file,
      'http.request && frame.interface_name == "provider"',
      'http.request.line',
      'ip.dst',
    );
    expect(sentHeaders[0]![0]).toContain('Content-Type: application/json'.toLowerCase());
    expect(sentHeaders[0]![1]).toBe('127.0.0.1');
  });

  it('keeps secrets only where that is asked for, and warns', async () => {
    const scene = await set({ scenario: [text('done')] });
    const file = join(scene.folder, 'run.txt');
    const { stderr, exitCode } = await runCodex(scene, exec('hello'), { options: ['--dump', file, '--dump-secrets'] });
    expect(exitCode).toBe(0);
    expect(stderr).toMatch(/^tapes: warning: the dump will hold your login as it is sent/m);
    expect(readFileSync(file, 'utf8')).toContain(`Bearer ${scene.codex.tokens.accessToken}`);
    expect(statSync(file).mode & 0o777).toBe(0o600);
  });

  it('can be read while the run goes on, and after tapes was killed', async () => {
    const scene = await set({ scenario: [text('first'), text('second')] });
    const [pcapng, har] = [join(scene.folder, 'run.pcapng'), join(scene.folder, 'run.har')];
    // A shell that lives on after Codex has ended.
    const args = interceptArgs(
      scene,
      ['sh', '-c', `"$0" exec --skip-git-repo-check hello; echo over; sleep 60`, codexBin().native],
      ['--dump', pcapng, '--dump', har],
    );
    const running = start(process.execPath, args, { cwd: scene.codex.project, env: sceneEnv(scene) });
    await running.said('over');
    await expect
      .poll(() => (JSON.parse(readFileSync(har, 'utf8')) as Har).log.entries.some(({ _tapes }) => _tapes.callId))
      .toBe(true);
    await expect.poll(() => tshark(pcapng, '-Y', 'http.request.uri contains "/responses"').length).toBeGreaterThan(0);
    process.kill(running.pid, 'SIGKILL');
    expect(tsharkComplaints(pcapng)).toEqual([]);
    expect((JSON.parse(readFileSync(har, 'utf8')) as Har).log.entries.length).toBeGreaterThan(0);
    // What it had started is in its group.
    process.kill(-running.pid, 'SIGKILL');
    await running.ended;
  });

  it('goes to stderr as text where the child is on no terminal', async () => {
    const scene = await set({ scenario: [text('done')] });
    const { stdout, stderr } = await runCodex(scene, exec('hello'), {
      options: ['--dump', '-', '--dump-bodies', 'none'],
    });
    expect(stdout).toBe('done\n');
    expect(stderr).toMatch(/^\d{4}-\d\d-\d\dT[\d:.]+Z \+ +\d+\.\d{6} [0-9a-f]{8} < 200$/m);
  });

  it('goes on in numbered files, each complete, and keeps the newest', async () => {
    const scene = await set({ scenario: [text('word '.repeat(2000))] });
    const file = join(scene.folder, 'run.pcapng');
    const { exitCode } = await runCodex(scene, exec('hello'), {
      options: ['--dump', file, '--dump-max-bytes', '60kB', '--dump-files', '3'],
    });
    expect(exitCode).toBe(0);
    const names = readdirSync(scene.folder).sort();
    expect(names).toHaveLength(3);
    for (const name of names) expect(name).toMatch(/^run_\d{5}_\d{14}\.pcapng$/);
    expect(Number(names[0]!.slice(4, 9))).toBeGreaterThan(1);
    for (const name of names) expect(tsharkComplaints(join(scene.folder, name))).toEqual([]);
  });
});

describe('a dump that cannot be', () => {
  const cases: [name: string, options: (folder: string) => string[], says: RegExp][] = [
    [
      'of an ending that names no format',
      (folder) => [`${folder}/run.pcap`],
      /the ending of .*run\.pcap names no format\nhint: end it with \.pcapng.*\[E_DUMP_FORMAT\]/,
    ],
    [
      'in a folder that is not there',
      (folder) => [`${folder}/none/run.har`],
      /run\.har cannot be written: .*\nhint: .*\[E_DUMP_UNUSABLE\]/,
    ],
    [
      'over a file that is there',
      (folder) => [`${folder}/there.txt`],
      /there\.txt is there already\nhint: .*--force.*\[E_DUMP_EXISTS\]/,
    ],
    ['into what is no file', () => ['/dev/null.txt', '--dump', '/dev/null'], /\[E_DUMP_(UNUSABLE|FORMAT)\]/],
    [
      'in a number of files of no size',
      (folder) => [`${folder}/a.txt`, '--dump-files', '3'],
      /--dump-files needs to know when a file is full/,
    ],
  ];
  it.each(cases)('%s is told before anything runs', async (_, options, says) => {
    const scene = await set();
    writeFileSync(join(scene.folder, 'there.txt'), 'mine');
    const args = [tapesBin, 'intercept', '--dump', ...options(scene.folder), '--', 'sh', '-c', 'echo ran'];
    const { stdout, stderr, exitCode } = await run(process.execPath, args, { env: sceneEnv(scene) });
    expect(stdout).toBe('');
    expect(stderr).toMatch(says);
    expect(exitCode === 125 || exitCode === 2).toBe(true);
    expect(readFileSync(join(scene.folder, 'there.txt'), 'utf8')).toBe('mine');
    expect(readdirSync(scene.folder)).toEqual(['there.txt']);
  });

  it('any more, because the disk is full, stays readable up to there, and Codex notices nothing', async () => {
    const scene = await set({ scenario: () => text('word '.repeat(3000)) });
    const file = join(scene.folder, 'run.pcapng');
    const har = join(scene.folder, 'run.har');
    // The shell's limit on the size of files stands for a disk that is full. The agent is curl, which itself writes none.
    const post = `curl -sS --cacert "$CODEX_CA_CERTIFICATE" -H 'content-type: application/json' -d '{"model":"m","input":[]}' https://chatgpt.com/backend-api/codex/responses`;
    const command = interceptArgs(
      scene,
      ['sh', '-c', `${post}; ${post}`],
      ['--dump', file, '--dump', har, '--no-record'],
    );
    const limited = await run(
      'sh',
      ['-c', 'trap "" XFSZ; ulimit -f 600; exec "$@"', 'sh', process.execPath, ...command],
      {
        cwd: scene.codex.project,
        env: sceneEnv(scene),
      },
    );
    expect(limited.stdout.match(/event: response\.completed/g)).toHaveLength(2);
    expect(limited.exitCode).toBe(0);
    expect(limited.stderr).toMatch(/tapes: the dump .*run\.pcapng ends early: EFBIG.*; what came later is not in it\n/);
    expect(statSync(file).size).toBeLessThanOrEqual(614_400);
    expect(tsharkComplaints(file)).toEqual([]);
    expect(tshark(file).length).toBeGreaterThan(10);
    expect(existsSync(har)).toBe(true);
    expect(JSON.parse(readFileSync(har, 'utf8'))).toHaveProperty('log.version', '1.2');
  });

  it.skipIf(!canMountSmallDisk())(
    'on a disk that is full midway (needs root, to mount a small one), costs Codex nothing',
    async () => {
      const answer = 'word '.repeat(3000).trim();
      const scene = await set({ scenario: () => text(answer) });
      const disk = mountSmallDisk('256k')!;
      closing.push(() => disk.remove());
      const { stdout, stderr, exitCode } = await runCodex(scene, exec('hello'), {
        options: ['--dump', `${disk.folder}/`],
      });
      expect({ stdout, exitCode }).toEqual({ stdout: `${answer}\n`, exitCode: 0 });
      expect(stderr).toMatch(
        /tapes: the dump .* ends early: ENOSPC: no space left on device.*; what came later is not in it\n/,
      );
      // What was recorded is elsewhere, and whole.
      expect(await readCalls(scene.tapes)).toHaveLength(1);
      const [har = '', pcapng = '', txt = ''] = readdirSync(disk.folder).sort();
      expect(tsharkComplaints(join(disk.folder, pcapng))).toEqual([]);
      expect(tshark(join(disk.folder, pcapng)).length).toBeGreaterThan(10);
      expect(JSON.parse(readFileSync(join(disk.folder, har), 'utf8'))).toHaveProperty('log.version', '1.2');
      expect(readFileSync(join(disk.folder, txt), 'utf8')).toContain(' > POST https://chatgpt.com');
    },
  );
});
