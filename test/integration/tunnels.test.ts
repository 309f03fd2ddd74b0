// What is not intercepted goes through as it is: real clients, each against a server of its own on loopback, through one interceptor.
import { once } from 'node:events';
import { spawn } from 'node:child_process';
import { createHash, randomBytes } from 'node:crypto';
import { chmodSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createSecureServer } from 'node:http2';
import type { RequestListener } from 'node:http';
import { createServer as createHttpsServer } from 'node:https';
import { connect as connectTcp, createServer, type AddressInfo, type Server, type Socket } from 'node:net';
import { tmpdir, userInfo } from 'node:os';
import { join } from 'node:path';
import { pipeline } from 'node:stream/promises';
import { connect as connectTls, createServer as createTlsServer } from 'node:tls';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { WebSocket, WebSocketServer } from 'ws';
import { makeLeaf, readTestRoot, testRootFile } from '../support/certificates.ts';
import { startStandIn } from '../support/chatgpt/index.ts';
import { startInterceptor, type TestInterceptor } from '../support/interceptor.ts';
import { needs } from '../support/programs.ts';
import { run } from '../support/run.ts';

const leaf = makeLeaf(readTestRoot(), ['localhost', '127.0.0.1']);
const closing: (() => unknown)[] = [];
let tapes: TestInterceptor;
let folder: string;

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'tapes-tunnels-'));
  const standIn = await startStandIn();
  tapes = await startInterceptor({ standIn });
  closing.push(
    () => rmSync(folder, { recursive: true, force: true }),
    () => standIn.close(),
    () => tapes.close(),
  );
});
afterAll(async () => {
  for (const close of closing.reverse()) await close();
});

async function listen(server: Server): Promise<number> {
  const sockets = new Set<Socket>();
  server.on('connection', (socket: Socket) => {
    sockets.add(socket);
    socket.on('error', () => undefined);
    socket.once('close', () => sockets.delete(socket));
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  closing.push(() => {
    for (const socket of sockets) socket.destroy();
    server.close();
  });
  return (server.address() as AddressInfo).port;
}

const serveHttps = (listener: RequestListener): Promise<number> => listen(createHttpsServer(leaf, listener));

/** The environment that an agent's tools have: our proxy, a home of their own, and nothing of this machine's configuration. */
const env = (): Record<string, string> => ({
  PATH: `${process.env['PATH'] ?? ''}:/usr/sbin`,
  HOME: folder,
  HTTPS_PROXY: tapes.proxyUrl,
  https_proxy: tapes.proxyUrl,
});

/** How many tunnels were opened to this port, and what passed. */
const tunnelsTo = (port: number): number =>
  tapes.events.filter((event) => event.type === 'tunnelOpened' && event.port === port).length;

async function expectSuccess(command: string, args: readonly string[], cwd = folder): Promise<string> {
  const result = await run(command, args, { env: env(), cwd, timeoutMs: 40_000 });
  expect(result).toMatchObject({ exitCode: 0 });
  return result.stdout;
}

/** A program that does what `nc -X connect` and corkscrew do, for clients that know no proxy: it is given a host and a port. */
function throughProxy(): string {
  const proxy = new URL(tapes.proxyUrl);
  const credentials = Buffer.from(`${proxy.username}:${proxy.password}`).toString('base64');
  const program = join(folder, 'through-proxy.mjs');
  writeFileSync(
    program,
    `#!${process.execPath}
     import { connect } from 'node:net';
     const target = process.argv[2] + ':' + process.argv[3];
     const socket = connect(${proxy.port}, '127.0.0.1');
     socket.write('CONNECT ' + target + ' HTTP/1.1\\r\\nHost: ' + target + '\\r\\nProxy-Authorization: Basic ${credentials}\\r\\n\\r\\n');
     let head = Buffer.alloc(0);
     socket.on('data', function read(chunk) {
       head = Buffer.concat([head, chunk]);
       const end = head.indexOf('\\r\\n\\r\\n');
       if (end === -1) return;
       socket.off('data', read);
       process.stdout.write(head.subarray(end + 4));
       socket.pipe(process.stdout);
       process.stdin.pipe(socket);
     });`,
    { mode: 0o755 },
  );
  return program;
}

const git = needs('git');
it.skipIf(git.skip)(`git clones and pushes over https${git.reason}`, async () => {
  const bare = join(folder, 'origin.git');
  await expectSuccess('git', ['init', '-q', '--bare', '-b', 'main', bare]);
  await expectSuccess('git', ['-C', bare, 'config', 'http.receivepack', 'true']);
  const execPath = (await expectSuccess('git', ['--exec-path'])).trim();
  const port = await serveHttps((request, response) => {
    const url = new URL(request.url ?? '/', 'https://localhost');
    const backend = spawn(join(execPath, 'git-http-backend'), [], {
      env: {
        PATH: process.env['PATH'] ?? '',
        GIT_PROJECT_ROOT: folder,
        GIT_HTTP_EXPORT_ALL: '1',
        REMOTE_USER: 'someone',
        REQUEST_METHOD: request.method ?? 'GET',
        PATH_INFO: decodeURIComponent(url.pathname),
        QUERY_STRING: url.search.slice(1),
        CONTENT_TYPE: request.headers['content-type'] ?? '',
        HTTP_CONTENT_ENCODING: request.headers['content-encoding'] ?? '',
        GIT_PROTOCOL: String(request.headers['git-protocol'] ?? ''),
      },
    });
    request.pipe(backend.stdin);
    const parts: Buffer[] = [];
    backend.stdout.on('data', (chunk: Buffer) => parts.push(chunk));
    backend.stdout.on('end', () => {
      const output = Buffer.concat(parts);
      const end = output.indexOf('\r\n\r\n');
      const fields = output.toString('latin1', 0, end).split('\r\n');
      for (const field of fields) {
        const [name = '', value = ''] = field.split(': ');
        if (name.toLowerCase() === 'status') response.statusCode = Number.parseInt(value, 10);
        else response.setHeader(name, value);
      }
      response.end(output.subarray(end + 4));
    });
  });
  const identity = ['-c', 'user.name=tapes', '-c', 'user.email=tapes@example.test', '-c', `http.sslCAInfo=${testRootFile}`]; // prettier-ignore
  const url = `https://localhost:${port}/origin.git`;
  const clone = join(folder, 'clone');
  await expectSuccess('git', [...identity, 'clone', '-q', url, clone]);
  const content = randomBytes(300_000);
  writeFileSync(join(clone, 'file'), content);
  await expectSuccess('git', ['-C', clone, 'add', 'file']);
  await expectSuccess('git', ['-C', clone, ...identity, 'commit', '-q', '-m', 'A file']);
  await expectSuccess('git', ['-C', clone, ...identity, 'push', '-q', 'origin', 'HEAD:main']);
  const again = join(folder, 'again');
  await expectSuccess('git', [...identity, 'clone', '-q', url, again]);
  expect(readFileSync(join(again, 'file')).equals(content)).toBe(true);
  expect(tunnelsTo(port)).toBeGreaterThanOrEqual(3);
});

it.skipIf(git.skip)(`git clones over its own protocol, which is no TLS${git.reason}`, async () => {
  const served = join(folder, 'served');
  const content = randomBytes(300_000);
  await expectSuccess('git', ['init', '-q', '-b', 'main', served]);
  writeFileSync(join(served, 'file'), content);
  await expectSuccess('git', ['-C', served, 'add', 'file']);
  await expectSuccess('git', ['-C', served, '-c', 'user.name=tapes', '-c', 'user.email=tapes@example.test', 'commit', '-q', '-m', 'A file']); // prettier-ignore
  const port = await listen(
    // git ends its half once it has asked for all that it wants.
    createServer({ allowHalfOpen: true }, (socket) => {
      const args = ['daemon', '--inetd', '--export-all', `--base-path=${folder}`, folder];
      const child = spawn('git', args, { stdio: ['pipe', 'pipe', 'ignore'], env: env() });
      child.stdin.on('error', () => undefined);
      socket.pipe(child.stdin);
      child.stdout.pipe(socket);
      socket.once('close', () => child.kill());
    }),
  );
  const cloned = join(folder, 'cloned');
  const proxied = ['-c', `core.gitProxy=${throughProxy()}`];
  await expectSuccess('git', [...proxied, 'clone', '-q', `git://127.0.0.1:${port}/served`, cloned]);
  expect(readFileSync(join(cloned, 'file')).equals(content)).toBe(true);
  expect(tunnelsTo(port)).toBe(1);
});

it('npm installs a package from a registry over https', async () => {
  const source = join(folder, 'source');
  mkdirSync(source);
  writeFileSync(join(source, 'package.json'), '{"name":"through-a-tunnel","version":"1.2.3"}');
  writeFileSync(join(source, 'index.js'), `module.exports = ${JSON.stringify('x'.repeat(100_000))};`);
  const packed = JSON.parse(await expectSuccess('npm', ['pack', '--json', '--silent'], source)) as [
    { filename: string; integrity: string },
  ];
  const tarball = readFileSync(join(source, packed[0].filename));
  const port = await serveHttps((request, response) => {
    if (request.url?.endsWith('.tgz') === true) return response.end(tarball);
    const version = {
      name: 'through-a-tunnel',
      version: '1.2.3',
      dist: { tarball: `https://localhost:${port}/it.tgz`, integrity: packed[0].integrity },
    };
    const document = { name: 'through-a-tunnel', 'dist-tags': { latest: '1.2.3' }, versions: { '1.2.3': version } };
    return response.setHeader('content-type', 'application/json').end(JSON.stringify(document));
  });
  const project = join(folder, 'project');
  mkdirSync(project);
  writeFileSync(join(project, 'package.json'), '{"name":"project","private":true}');
  const options = ['--no-audit', '--no-fund', '--fetch-retries=0', `--registry=https://localhost:${port}/`, `--cafile=${testRootFile}`, '--noproxy=']; // prettier-ignore
  await expectSuccess('npm', ['install', 'through-a-tunnel', ...options], project);
  const installed = readFileSync(join(project, 'node_modules/through-a-tunnel/index.js'));
  expect(installed.equals(readFileSync(join(source, 'index.js')))).toBe(true);
  expect(tunnelsTo(port)).toBeGreaterThanOrEqual(1);
});

const curl = needs('curl');
it.skipIf(curl.skip)(`curl speaks HTTP/2, and Alt-Svc reaches it${curl.reason}`, async () => {
  const server = createSecureServer(leaf, (request, response) => {
    response.setHeader('alt-svc', 'h3=":443"; ma=86400');
    response.end(`over ${request.httpVersion}`);
  });
  const port = await listen(server);
  const args = ['-sS', '-i', '--http2', '--cacert', testRootFile, `https://localhost:${port}/`];
  // QUIC cannot pass a proxy: whatever Alt-Svc offers, the second request of the same client goes through the same tunnel.
  const answer = await expectSuccess('curl', [...args, `https://localhost:${port}/again`]);
  expect(answer.match(/over 2\.0/g)).toHaveLength(2);
  expect(answer).toContain('alt-svc: h3=":443"; ma=86400');
  expect(tunnelsTo(port)).toBe(1);
});

const ssh = needs('ssh', 'sshd', 'ssh-keygen');
it.skipIf(ssh.skip)(`ssh greets, logs in and runs a command${ssh.reason}`, async () => {
  const keys = join(folder, 'ssh');
  mkdirSync(keys, { mode: 0o700 });
  for (const name of ['host', 'user']) {
    await expectSuccess('ssh-keygen', ['-q', '-t', 'ed25519', '-N', '', '-f', join(keys, name)]);
  }
  writeFileSync(join(keys, 'authorized'), readFileSync(join(keys, 'user.pub')));
  const { username } = userInfo();
  // As root, sshd wants the empty folder that its service would make.
  if (process.getuid?.() === 0) mkdirSync('/run/sshd', { recursive: true, mode: 0o755 });
  writeFileSync(
    join(keys, 'config'),
    [
      `HostKey ${join(keys, 'host')}`,
      `AuthorizedKeysFile ${join(keys, 'authorized')}`,
      'StrictModes no',
      'UsePAM no',
      'PasswordAuthentication no',
      'PermitRootLogin prohibit-password',
      'PidFile none',
    ].join('\n'),
  );
  const sshd = (await expectSuccess('sh', ['-c', 'command -v sshd'])).trim();
  const port = await listen(
    createServer((socket) => {
      // One server for each connection, as inetd starts it.
      const child = spawn(sshd, ['-i', '-e', '-f', join(keys, 'config')], { stdio: ['pipe', 'pipe', 'ignore'] });
      child.stdin.on('error', () => undefined);
      socket.pipe(child.stdin);
      child.stdout.pipe(socket);
      socket.once('close', () => child.kill());
    }),
  );
  chmodSync(join(keys, 'user'), 0o600);
  const options = [
    `ProxyCommand=${throughProxy()} %h %p`,
    `IdentityFile=${join(keys, 'user')}`,
    'IdentitiesOnly=yes',
    'StrictHostKeyChecking=no',
    `UserKnownHostsFile=${join(keys, 'known')}`,
    'BatchMode=yes',
    'LogLevel=ERROR',
  ].flatMap((option) => ['-o', option]);
  const said = await expectSuccess('ssh', ['-F', 'none', ...options, '-p', String(port), `${username}@127.0.0.1`, 'echo through && wc -c </dev/null']); // prettier-ignore
  expect(said).toMatch(/^through\n\s*0\n$/);
  expect(tunnelsTo(port)).toBe(1);
});

it('a client certificate reaches the server that asks for it', async () => {
  const root = readTestRoot();
  // A certificate for servers, which a server would not take from a client: it is asked for all the same, and looked at here.
  const client = makeLeaf(root, ['client.example.test']);
  const port = await listen(
    createTlsServer({ ...leaf, ca: root.certificatePem, requestCert: true, rejectUnauthorized: false }, (socket) => {
      socket.end(`hello ${String(socket.getPeerCertificate().subject.CN)}`);
    }),
  );
  const socket = connectTls({
    socket: await tapes.connect('localhost', port),
    servername: 'localhost',
    ca: root.certificatePem,
    ...client,
  });
  let answer = '';
  for await (const chunk of socket) answer += String(chunk);
  expect(answer).toBe('hello client.example.test');
});

it('a WebSocket carries messages both ways', async () => {
  const server = createHttpsServer(leaf);
  const sockets = new WebSocketServer({ server });
  sockets.on('connection', (socket) =>
    socket.on('message', (data, isBinary) => socket.send(data, { binary: isBinary })),
  );
  const port = await listen(server);
  const tunnel = connectTls({
    socket: await tapes.connect('localhost', port),
    servername: 'localhost',
    ca: readTestRoot().certificatePem,
  });
  const client = new WebSocket(`wss://localhost:${port}/`, { createConnection: () => tunnel });
  await once(client, 'open');
  const sent = randomBytes(200_000);
  client.send(sent);
  const [echoed] = (await once(client, 'message')) as [Buffer];
  expect(echoed.equals(sent)).toBe(true);
  client.close(4001, 'enough');
  const [code] = (await once(client, 'close')) as [number];
  expect(code).toBe(4001);
});

it('a gigabyte goes through whole, to a reader that is slow at first', async () => {
  const chunk = randomBytes(1024 * 1024);
  const chunks = 1024;
  const port = await listen(
    createServer((socket) => {
      void pipeline(async function* () {
        for (let index = 0; index < chunks; index += 1) yield chunk;
      }, socket).catch(() => undefined);
    }),
  );
  const before = process.memoryUsage().rss;
  const socket = await tapes.connect('127.0.0.1', port);
  const hash = createHash('sha256');
  let bytes = 0;
  let peak = 0;
  // The reader stops for as long as the server would need to send all of it: what is not read must wait at the server.
  socket.pause();
  await new Promise((resolve) => setTimeout(resolve, 300));
  for await (const part of socket as AsyncIterable<Buffer>) {
    hash.update(part);
    bytes += part.length;
    if (bytes % (64 * 1024 * 1024) < part.length) peak = Math.max(peak, process.memoryUsage().rss);
  }
  const expected = createHash('sha256');
  for (let index = 0; index < chunks; index += 1) expected.update(chunk);
  expect(bytes).toBe(chunks * chunk.length);
  expect(hash.digest('hex')).toBe(expected.digest('hex'));
  // Client, interceptor and server are this one process: buffers of a few sockets, far from the gigabyte.
  expect(peak - before).toBeLessThan(300 * 1024 * 1024);
});

it('an end of one side is an end and no hang-up, whichever side ends first', async () => {
  let report: (bytes: number) => void = () => undefined;
  const received = new Promise<number>((resolve) => (report = resolve));
  const port = await listen(
    createServer({ allowHalfOpen: true }, (socket) => {
      // Ends its own side at once, and goes on listening.
      socket.end('bye');
      let bytes = 0;
      socket.on('data', (data: Buffer) => (bytes += data.length));
      socket.on('end', () => report(bytes));
    }),
  );
  const socket = await tapes.connect('127.0.0.1', port);
  let answer = '';
  for await (const part of socket.iterator({ destroyOnReturn: false })) answer += String(part);
  expect(answer).toBe('bye');
  socket.end(Buffer.alloc(1_000_000));
  expect(await received).toBe(1_000_000);
});

it('a reset on one side is a reset on the other', async () => {
  const port = await listen(createServer((socket) => socket.once('data', () => socket.resetAndDestroy())));
  const socket = await tapes.connect('127.0.0.1', port);
  const failed = once(socket, 'close').catch((error: NodeJS.ErrnoException) => error.code);
  const direct = connectTcp(port, '127.0.0.1');
  const failedDirectly = once(direct, 'close').catch((error: NodeJS.ErrnoException) => error.code);
  for (const one of [socket, direct]) {
    one.resume();
    one.write('x');
  }
  expect(await failed).toBe(await failedDirectly);
  expect(await failed).toBe('ECONNRESET');
});
