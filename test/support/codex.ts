// The real, pinned Codex binary in throw-away homes: `makeCodexHome` for a login and a project, `runCodexDirect` for the
// baseline, the binary talking to the stand-in without tapes.
import { execFileSync } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { existsSync, mkdirSync, mkdtempSync, realpathSync, rmSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import type { StandIn } from './chatgpt/index.ts';
import { startConnectRelay } from './connect-relay.ts';
import { run, type RunResult } from './run.ts';
import { findProfile } from '../../src/agents/index.ts';
import { makeTokens, type Tokens } from '../../src/provider/index.ts';

export interface CodexHome {
  /** The folder that holds all of it; `remove` takes it away. */
  readonly root: string;
  /** CODEX_HOME. */
  readonly dir: string;
  /** A git repository with one commit, trusted by Codex. */
  readonly project: string;
  /** A whole environment: nothing of the developer's own but PATH. */
  readonly env: Readonly<Record<string, string>>;
  /** Of a ChatGPT login; each is random text that a test can search for. */
  readonly tokens: Tokens;
  /** Of an API key login. */
  readonly apiKey: string;
  remove(): void;
}

export interface CodexHomeOptions {
  readonly auth?: 'chatgpt' | 'apikey';
  /** How long the access token is still good. Below two minutes Codex refreshes it first. */
  readonly expiresInMs?: number;
  /** Lines for config.toml, before its tables. */
  readonly config?: readonly string[];
}

export function makeCodexHome(options: CodexHomeOptions = {}): CodexHome {
  const { auth = 'chatgpt', expiresInMs, config = [] } = options;
  // Codex paints where it runs, a path's character here and there only: no name of ours may be in it.
  const root = realpathSync(mkdtempSync(join(tmpdir(), 'codex-')));
  const [dir, project, home, temporary] = ['codex-home', 'project', 'home', 'tmp'].map((name) => {
    const folder = join(root, name);
    mkdirSync(folder);
    return folder;
  }) as [string, string, string, string];
  const tokens = makeTokens(expiresInMs === undefined ? {} : { expiresInMs });
  const apiKey = `sk-proj-${randomBytes(24).toString('hex')}`;
  const login =
    auth === 'chatgpt'
      ? findProfile('codex')!.trial!.loginFile(tokens).text
      : JSON.stringify({ auth_mode: 'apikey', OPENAI_API_KEY: apiKey });
  writeFileSync(join(dir, 'auth.json'), login, { mode: 0o600 });
  // No sandbox: what runs is what a test wrote into a scenario, and not every machine lets Codex make one.
  const quiet = [
    'check_for_update_on_startup = false',
    'sandbox_mode = "danger-full-access"',
    'approval_policy = "never"',
  ];
  const trust = [`[projects.${JSON.stringify(project)}]`, 'trust_level = "trusted"'];
  writeFileSync(join(dir, 'config.toml'), `${[...quiet, ...config, '', ...trust].join('\n')}\n`);
  const env = {
    PATH: process.env['PATH'] ?? '',
    HOME: home,
    CODEX_HOME: dir,
    // Codex warns of a CODEX_HOME anywhere below the temporary folder: here it lies beside it.
    TMPDIR: temporary,
    TERM: 'xterm-256color',
    LANG: 'C.UTF-8',
    GIT_CONFIG_GLOBAL: join(home, 'no-gitconfig'),
  };
  makeRepository(project, env);
  return { root, dir, project, env, tokens, apiKey, remove: () => rmSync(root, { recursive: true, force: true }) };
}

/** The pinned Codex: `wrapper` is what npm puts on the PATH, `native` the binary that it starts. */
export function codexBin(): { readonly wrapper: string; readonly native: string } {
  const require = createRequire(import.meta.url);
  const packageFile = require.resolve(`@openai/codex-${process.platform}-${process.arch}/package.json`);
  const triples: Readonly<Record<string, string>> = {
    'linux-x64': 'x86_64-unknown-linux-musl',
    'linux-arm64': 'aarch64-unknown-linux-musl',
    'darwin-x64': 'x86_64-apple-darwin',
    'darwin-arm64': 'aarch64-apple-darwin',
  };
  const triple = triples[`${process.platform}-${process.arch}`] ?? '';
  const native = join(dirname(packageFile), 'vendor', triple, 'bin', 'codex');
  if (!existsSync(native)) throw new Error(`no Codex binary at ${native}: run npm ci`);
  return { wrapper: join(import.meta.dirname, '..', '..', 'node_modules', '.bin', 'codex'), native };
}

export interface DirectRun extends RunResult {
  /** `host:port` of each connection that Codex opened. */
  readonly connects: readonly string[];
}

export interface DirectOptions {
  readonly home: CodexHome;
  readonly env?: Readonly<Record<string, string>>;
  readonly cwd?: string;
  readonly input?: string;
  readonly timeoutMs?: number;
  readonly command?: string;
}

/** The real Codex against the stand-in without tapes; its connections go through a relay that decrypts nothing. */
export async function runCodexDirect(
  standIn: StandIn,
  args: readonly string[],
  options: DirectOptions,
): Promise<DirectRun> {
  const { home, cwd = home.project, command = codexBin().native, env: more = {}, ...rest } = options;
  const relay = await startConnectRelay(standIn.port);
  try {
    const env = { ...home.env, ...directEnv(relay.url, standIn.caFile), ...more };
    return { ...(await run(command, args, { ...rest, env, cwd })), connects: relay.connects };
  } finally {
    await relay.close();
  }
}

/** What leads Codex through a proxy and has it trust a root. */
export function directEnv(proxyUrl: string, caFile: string): Readonly<Record<string, string>> {
  return { HTTPS_PROXY: proxyUrl, https_proxy: proxyUrl, CODEX_CA_CERTIFICATE: caFile };
}

function makeRepository(project: string, env: Readonly<Record<string, string>>): void {
  const git = (...args: readonly string[]): void =>
    void execFileSync('git', args, { cwd: project, env, stdio: 'ignore' });
  writeFileSync(join(project, 'README.md'), '# A project that is thrown away\n');
  git('init', '--quiet', '--initial-branch', 'main');
  git('add', '.');
  git('-c', 'user.name=dev', '-c', 'user.email=dev@example.test', 'commit', '--quiet', '--message', 'Begin');
}
