// What keeps a root to its names is the verifier's work: real ones are shown leaf certificates that a root of tapes signed for hosts
// inside and outside of what it permits. What was learnt is in docs/discoveries/trust-stores.md.
import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { connect, createSecureContext, createServer, type Server } from 'node:tls';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { makeThrowAwayRoot, type Root } from '../../src/ca/index.ts';
import { makeLeaf, type Leaf } from '../support/certificates.ts';
import { codexBin, makeCodexHome } from '../support/codex.ts';
import { startConnectRelay } from '../support/connect-relay.ts';
import { needs } from '../support/programs.ts';
import { run, start } from '../support/run.ts';

const inside = ['chatgpt.com', 'gov.chatgpt.com', 'api.openai.com'] as const;
const outside = ['example.com', 'auth.openai.com', 'evilchatgpt.com', 'chatgpt.com.example.com'] as const;
const env = { PATH: `${process.env['PATH'] ?? ''}:/usr/sbin`, HOME: tmpdir() };

let folder: string;
let root: Root;
let rootFile: string;
let nssFolder: string;
let keystore: string;
let server: Server;
let port: number;
const leafs = new Map<string, Leaf>();
/** Hosts whose handshake came to its end, and those whose was broken off by the client. */
const secured: string[] = [];
const refused: string[] = [];
const leafFile = (host: string): string => join(folder, `${host}.pem`);

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'tapes-constraints-'));
  root = await makeThrowAwayRoot(['chatgpt.com', 'api.openai.com']);
  rootFile = join(folder, 'root.pem');
  writeFileSync(rootFile, root.certificatePem);
  for (const host of [...inside, ...outside]) {
    const leaf = makeLeaf(root, [host]);
    leafs.set(host, leaf);
    writeFileSync(leafFile(host), leaf.cert);
  }
  nssFolder = join(folder, 'nss');
  mkdirSync(nssFolder);
  if (!needs('certutil').skip) {
    execFileSync('certutil', ['-N', '-d', `sql:${nssFolder}`, '--empty-password']);
    execFileSync('certutil', ['-A', '-d', `sql:${nssFolder}`, '-n', 'root', '-t', 'C,,', '-a', '-i', rootFile]);
  }
  keystore = join(folder, 'cacerts');
  if (!needs('keytool').skip) {
    execFileSync(
      'keytool',
      [
        '-importcert',
        '-noprompt',
        '-alias',
        'root',
        '-keystore',
        keystore,
        '-storepass',
        'changeit',
        '-file',
        rootFile,
      ],
      { stdio: 'ignore' },
    );
  }
  const contextOf = (host: string): ReturnType<typeof createSecureContext> =>
    createSecureContext(leafs.get(host) ?? {});
  server = createServer(
    {
      ...leafs.get('chatgpt.com'),
      SNICallback: (host, done) => {
        done(null, contextOf(host));
      },
    },
    (socket) => {
      secured.push(String((socket as { servername?: unknown }).servername));
      socket.on('error', () => undefined);
      socket.end('HTTP/1.1 404 Not Found\r\ncontent-length: 0\r\nconnection: close\r\n\r\n');
    },
  );
  server.on('tlsClientError', (_error, socket) =>
    refused.push(String((socket as { servername?: unknown }).servername)),
  );
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  port = (server.address() as AddressInfo).port;
});
afterAll(() => {
  server.close();
  rmSync(folder, { recursive: true, force: true });
});

interface Verifier {
  readonly name: string;
  readonly programs: readonly string[];
  accepts(host: string): Promise<boolean>;
}

const succeeds = async (command: string, ...args: string[]): Promise<boolean> =>
  (await run(command, args, { env, timeoutMs: 20_000 })).exitCode === 0;

const verifiers: readonly Verifier[] = [
  {
    name: 'OpenSSL',
    programs: ['openssl'],
    accepts: (host) => succeeds('openssl', 'verify', '-CAfile', rootFile, '-verify_hostname', host, leafFile(host)),
  },
  {
    name: 'Node',
    programs: [],
    accepts: (host) =>
      new Promise((resolve) => {
        const socket = connect({ host: '127.0.0.1', port, servername: host, ca: root.certificatePem }, () => {
          socket.destroy();
          resolve(true);
        });
        socket.once('error', () => resolve(false));
      }),
  },
  {
    name: 'curl',
    programs: ['curl'],
    accepts: (host) =>
      succeeds(
        'curl',
        '-sS',
        '--noproxy',
        '*',
        '--cacert',
        rootFile,
        '--resolve',
        `${host}:${port}:127.0.0.1`,
        `https://${host}:${port}/`,
      ),
  },
  {
    name: 'GnuTLS',
    programs: ['gnutls-cli'],
    accepts: (host) =>
      succeeds(
        'gnutls-cli',
        '--x509cafile',
        rootFile,
        '--sni-hostname',
        host,
        '--verify-hostname',
        host,
        '-p',
        String(port),
        '127.0.0.1',
      ),
  },
  {
    name: 'NSS',
    programs: ['certutil', 'vfychain'],
    accepts: (host) => succeeds('vfychain', '-d', `sql:${nssFolder}`, '-u', '1', '-a', leafFile(host)),
  },
  {
    name: 'NSS libpkix',
    programs: ['certutil', 'vfychain'],
    accepts: (host) => succeeds('vfychain', '-p', '-p', '-d', `sql:${nssFolder}`, '-u', '1', '-a', leafFile(host)),
  },
  {
    name: 'Go',
    programs: ['go'],
    async accepts(host) {
      const program = join(folder, 'verify-go');
      const source = join(import.meta.dirname, '../support/verifiers/verify.go');
      const goEnv = { ...env, GOCACHE: join(folder, 'go-cache'), GO111MODULE: 'off', GOFLAGS: '' };
      compiled ??= run('go', ['build', '-o', program, source], { env: goEnv, timeoutMs: 110_000 });
      const build = await compiled;
      if (build.exitCode !== 0) throw new Error(build.stderr);
      return (await run(program, [rootFile, leafFile(host), host], { env })).stdout === 'accepted\n';
    },
  },
];
let compiled: ReturnType<typeof run> | undefined;

describe.each(verifiers.map((verifier) => ({ ...verifier, ...needs(...verifier.programs) })))(
  '$name$reason',
  ({ accepts, skip }) => {
    it.skipIf(skip)('accepts hosts that the root permits, and refuses all others', { timeout: 120_000 }, async () => {
      const accepted: string[] = [];
      for (const host of [...inside, ...outside]) if (await accepts(host)) accepted.push(host);
      expect(accepted).toEqual(inside);
    });
  },
);

const java = needs('java', 'javac', 'keytool');
describe(`Java${java.reason}`, () => {
  // The reason why nothing is put into its store unless it is asked for. Should Java begin to honour them, this tells.
  it.skipIf(java.skip)(
    'takes a root for any name, whatever its name constraints say',
    { timeout: 60_000 },
    async () => {
      const source = join(import.meta.dirname, '../support/verifiers/Verify.java');
      for (const host of ['chatgpt.com', 'example.com']) {
        const { stdout, stderr } = await run('java', [source, keystore, leafFile(host)], { env, timeoutMs: 30_000 });
        expect({ stdout, stderr }).toEqual({ stdout: 'accepted\n', stderr: '' });
      }
    },
  );
});

describe('rustls, as the real Codex has it', () => {
  it.each([
    ['chatgpt.com', true],
    ['example.com', false],
  ] as const)('asked for %s, goes on with it: %s', { timeout: 60_000 }, async (host, goesOn) => {
    const codex = makeCodexHome({ auth: 'apikey' });
    const relay = await startConnectRelay(port);
    secured.length = 0;
    refused.length = 0;
    const decided = new Promise<void>((resolve) => {
      const look = (): void => {
        if ([...secured, ...refused].includes(host)) resolve();
      };
      server.on('secureConnection', look).on('tlsClientError', look);
    });
    const provider = `model_providers.own={name="own",base_url="https://${host}/v1",wire_api="responses",env_key="OWN_KEY"}`;
    const running = start(
      codexBin().native,
      ['exec', '--skip-git-repo-check', '-c', 'model_provider="own"', '-c', provider, 'say hello'],
      {
        cwd: codex.project,
        env: { ...codex.env, OWN_KEY: 'sk-none', HTTPS_PROXY: relay.url, CODEX_CA_CERTIFICATE: rootFile },
      },
    );
    try {
      await Promise.race([decided, running.ended]);
      expect({ secured: secured.includes(host), refused: refused.includes(host) }).toEqual({
        secured: goesOn,
        refused: !goesOn,
      });
    } finally {
      running.kill('SIGKILL');
      await running.ended;
      await relay.close();
      codex.remove();
    }
  });
});
