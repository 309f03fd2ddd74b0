// Nobody else on the machine gets at what passes or is kept: modes of files, shared folders, process listings, the agent's environment.
import { chmodSync, existsSync, lstatSync, mkdirSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, describe, expect, it } from 'vitest';
import { text, type StandInOptions } from '../support/chatgpt/index.ts';
import { countAnswers, post, setCurlScene, startScript, type CurlScene } from '../support/curl-scene.ts';
import { run } from '../support/run.ts';
import { tapesBin } from '../support/tapes.ts';

const closing: (() => unknown)[] = [];
afterEach(async () => {
  for (const close of closing.splice(0).reverse()) await close();
});

const hello: StandInOptions = { scenario: () => text('Hello') };
const set = (options: StandInOptions = hello): Promise<CurlScene> => setCurlScene(closing, options);

/** Every file and folder below, with its mode. */
function* modesBelow(folder: string): Generator<{ path: string; mode: number; isFolder: boolean }> {
  for (const entry of readdirSync(folder)) {
    const path = join(folder, entry);
    const stat = lstatSync(path);
    yield { path, mode: stat.mode & 0o777, isFolder: stat.isDirectory() };
    if (stat.isDirectory()) yield* modesBelow(path);
  }
}

describe('what tapes writes', () => {
  it.each(['000', '027', '077'])(
    'is for its user alone under umask %s, and the agent keeps that umask',
    async (umask) => {
      const scene = await set();
      const home = join(scene.tapes.dir, 'home');
      const masked = (argv: readonly string[]): readonly string[] => [
        'sh',
        '-c',
        `umask ${umask}; exec "$@"`,
        'sh',
        ...argv,
      ];
      const dumps = ['all', 'one.pcapng', 'one.har', 'one.txt', 'as-SECRET-it-was.pcapng', 'keys-SECRET.log'];
      const [all, pcapng, har, txt, tls, keys] = dumps.map((name) => join(home, name)) as [string, ...string[]];
      mkdirSync(home, { mode: 0o700 });
      mkdirSync(all);
      chmodSync(all, 0o700);
      const options = [...scene.standIn.resolveArgs(), '--home', home, '--dump', pcapng!, '--dump', har!, '--dump', txt!, '--dump', all, '--dump-tls', tls!, '--keylog', keys!]; // prettier-ignore
      // While it runs, so that the database's companions are looked at, too.
      const script = `${post()}; umask; sleep 0.5; find "$OWN_HOME" -exec stat -c '%a %n' {} +`;
      const result = await startScript(scene, script, { wrap: masked, options, env: { OWN_HOME: home } }).ended;
      expect(countAnswers(result)).toBe(1);
      expect(result.stdout).toContain(`0${umask}\n`);
      const seen = result.stdout.split('\n').filter((line) => line.includes(home));
      expect(seen.some((line) => line.endsWith('tapes.db-wal'))).toBe(true);
      expect(seen.filter((line) => !/^[67]00 |^6[04][04] .*\/root\.pem$/.test(line))).toEqual([]);

      await run(process.execPath, [tapesBin, 'export', 'last', '--home', home, '--format', 'jsonl', '-o', join(home, 'out.jsonl')], { env: {} }); // prettier-ignore
      const found = [...modesBelow(home)];
      for (const name of ['tapes.db', 'mask.key', 'out.jsonl', 'ca/root-key.pem', ...dumps]) {
        expect(existsSync(join(home, name))).toBe(true);
      }
      // A certificate is public, and inside a folder that is not.
      const loose = found.filter(
        ({ path, mode, isFolder }) => mode !== (isFolder ? 0o700 : 0o600) && !path.endsWith('/root.pem'),
      );
      expect(loose).toEqual([]);
    },
  );

  it('never goes to a folder that others can write in, and the agent is not started', async () => {
    const scene = await set();
    const shared = join(scene.tapes.dir, 'shared');
    mkdirSync(shared);
    chmodSync(shared, 0o777);
    for (const place of [
      ['--home', shared],
      ['--db', join(shared, 'tapes.db')],
    ]) {
      // prettier-ignore
      const options = [...scene.standIn.resolveArgs(), ...place];
      const result = await startScript(scene, 'echo started', { options }).ended;
      expect(result).toMatchObject({ exitCode: 125, stdout: '' });
      expect(result.stderr).toMatch(/^tapes: other users can write in .*shared/);
      expect(result.stderr).toContain('chmod go-w ');
    }
    expect(readdirSync(shared)).toEqual([]);
  });
});

describe('the password of a run', () => {
  it('and what the agent logs in with are in no process listing and in nothing that tapes says', async () => {
    const scene = await set();
    const token = 'sk-planted-0123456789abcdefghijklmnopqrstuv';
    // curl reads the header from a file, so that it is not curl that shows it.
    const script = `printf 'Authorization: Bearer %s' "$TOKEN" > head; ${post('-H @head')}; cat /proc/[0-9]*/cmdline | tr '\\0' '\\n' > listing; printf %s "$HTTPS_PROXY" > proxy`;
    const options = [...scene.standIn.resolveArgs(), '--verbose'];
    const result = await startScript(scene, script, { options, env: { TOKEN: token } }).ended;
    expect(countAnswers(result)).toBe(1);
    const { password } = new URL(readFileSync(join(scene.tapes.dir, 'proxy'), 'utf8'));
    expect(password.length).toBeGreaterThanOrEqual(32);
    const listing = readFileSync(join(scene.tapes.dir, 'listing'), 'latin1');
    expect(listing).toContain('intercept');
    for (const secret of [password, token]) {
      expect(listing).not.toContain(secret);
      expect(result.stderr).not.toContain(secret);
    }
    const holders = [...modesBelow(scene.tapes.dir)]
      .filter(({ path, isFolder }) => !isFolder && !/\/(head|proxy)$/.test(path))
      .filter(({ path }) => [password, token].some((secret) => readFileSync(path, 'latin1').includes(secret)));
    expect(holders).toEqual([]);
  });

  it('is another one in each run', async () => {
    const scene = await set();
    const runs = [startScript(scene, 'echo "$HTTPS_PROXY"').ended, startScript(scene, 'echo "$HTTPS_PROXY"').ended];
    const [one, other] = (await Promise.all(runs)).map(({ stdout }) => new URL(stdout.trim()).password);
    expect(one).not.toBe(other);
  });
});

describe('the environment of the agent', () => {
  it('is what it was, but for the proxy and the file of roots', async () => {
    const scene = await set();
    const given = { PLAIN: 'as it was', EMPTY: '', LINES: 'two\nlines', NO_PROXY: 'localhost,chatgpt.com' };
    const print = `node -p 'JSON.stringify(process.env)'`;
    const [under, alone] = await Promise.all([
      startScript(scene, print, { env: given }).ended,
      run('sh', ['-c', print], {
        env: { PATH: process.env['PATH'] ?? '', HOME: scene.tapes.dir, TAPES_HOME: scene.tapes.dir, ...given },
        cwd: scene.tapes.dir,
      }),
    ]);
    const [inside, outside] = [under, alone].map(({ stdout }) => JSON.parse(stdout) as Record<string, string>);
    const changed = Object.keys({ ...inside, ...outside }).filter((name) => inside![name] !== outside![name]);
    expect(changed.toSorted()).toEqual(['CODEX_CA_CERTIFICATE', 'HTTPS_PROXY', 'NO_PROXY', 'https_proxy']);
    expect(inside!['NO_PROXY']).toBe('localhost');
  });
});
