// One run under tapes with every kind of output on at once, in which each place of the table has a secret of its own; and all that was written by it.
import { connect as connectHttp2 } from 'node:http2';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';

import { testRootFile } from '../support/certificates.ts';
import { startHttpProxy } from '../support/own-proxies.ts';
import { start, type RunResult } from '../support/run.ts';
import { tapesBin } from '../support/tapes.ts';
import { startWaitingAgent, type WaitingAgent } from '../support/waiting-agent.ts';
import { places, repeated, type Planted, type RunPlace, type SecretPlace } from './places.ts';
import { answerPieces, rowField, startPlantProvider, writePieces } from './provider.ts';
import { readEverything, readFiles, unpackFile, type Haystack } from './search.ts';

export interface PlantedRow extends SecretPlace {
  readonly secret: string;
}

export interface SecretRun {
  readonly rows: readonly PlantedRow[];
  /** The password of the run's own proxy. */
  readonly proxyPassword: string;
  readonly result: RunResult;
  /** Everything below the home, the folder that it ran in and the temporary folder, and all that any command printed. */
  readonly haystacks: readonly Haystack[];
  readonly dumps: readonly Haystack[];
  close(): void;
}

/** Signs that are escaped, percent-encoded, or not words: one of each in the middle. */
const randomSecret = (): string => {
  const random = randomBytes(30).toString('base64').replaceAll(/[+/]/g, 'Z');
  return `${random.slice(0, 14)}+${random.slice(14, 20)}/${random.slice(20, 38)}`;
};

/** `showsSecrets`: with `--dump-secrets`. */
export async function runWithSecrets(showsSecrets: boolean): Promise<SecretRun> {
  const rows = places.map((place): PlantedRow => ({ ...place, secret: (place.shape ?? ((random) => random))(randomSecret()) })); // prettier-ignore
  const folder = mkdtempSync(join(tmpdir(), 'tapes-secrets-'));
  const [home, cwd, temporary, codexHome, dumpFolder] = ['home', 'cwd', 'tmp', 'codex', 'dumps'].map((name) => join(folder, name)) as [string, string, string, string, string]; // prettier-ignore
  for (const path of [home, cwd, temporary, codexHome, dumpFolder]) mkdirSync(path, { mode: 0o700 });
  const secretOf = (plant: RunPlace): string => rows.find((row) => row.plant === plant)!.secret;
  const known = secretOf('argv, known');
  const label = secretOf('label');
  writeFileSync(join(codexHome, 'auth.json'), JSON.stringify({ tokens: { access_token: secretOf('login file') } }), { mode: 0o600 }); // prettier-ignore

  const exchanges = new Map<string, Planted>();
  for (const [at, { plant, secret }] of rows.entries()) {
    if (typeof plant !== 'string') exchanges.set(String(at), await plant(secret));
    else if (plant === 'environment' || plant === 'login file') exchanges.set(String(at), repeated(secret));
  }
  const provider = await startPlantProvider(exchanges);
  const upstreamProxy = await startHttpProxy({
    username: 'somebody',
    password: secretOf('upstream proxy'),
    targetPort: provider.port,
  });
  const proxyUrl = `http://somebody:${encodeURIComponent(secretOf('upstream proxy'))}@127.0.0.1:${upstreamProxy.port}`;
  const dumps = ['live.pcapng', 'live.har', 'live.txt'].map((name) => join(dumpFolder, name));
  const env = {
    PATH: process.env['PATH'] ?? '',
    HOME: home,
    TAPES_HOME: home,
    TMPDIR: temporary,
    NO_COLOR: '1',
    CODEX_HOME: codexHome,
    SOME_API_KEY: secretOf('environment'),
    OTHER_TOKEN: known,
    LABEL_SECRET: label,
  };
  const options = ['--verbose', '--upstream-ca', testRootFile, '--upstream-proxy', proxyUrl, '--label', `with ${label}`, '--keylog', join(dumpFolder, 'keys-SECRET.log'), ...dumps.flatMap((path) => ['--dump', path]), '--dump', '-', ...(showsSecrets ? ['--dump-secrets'] : [])]; // prettier-ignore
  const agent = await startWaitingAgent({ dir: home, remove: () => undefined }, options, {
    args: [`--say=${secretOf('argv')}`, `--key=${known}`, '-H', `authorization: Bearer ${secretOf('argv, named')}`],
    env,
    cwd,
  });
  const printed: Haystack[] = [];
  try {
    const tail = start(process.execPath, [tapesBin, 'tail', '--json'], { env, cwd });
    for (const [id, planted] of exchanges) await exchange(agent, id, planted);
    // With what is gone when the run is over: the database's companions, the certificate of the run.
    printed.push(...readFiles(folder).filter(([name]) => !name.startsWith(codexHome)));
    const result = await agent.end();
    tail.kill('SIGINT');
    const tailed = await tail.ended;
    for (const [name, text] of Object.entries({ stderr: result.stderr, stdout: result.stdout, tail: tailed.stdout + tailed.stderr })) printed.push(...(await unpackFile(name, Buffer.from(text)))); // prettier-ignore
    const commands = [['runs', '--json'], ['sessions', '--all'], ['show', '--full'], ['show', '--json'], ['export', 'last', '-o', join(cwd, 'out.jsonl')], ['stats'], ['verify'], ['search', 'token'], ['dump', 'last', '-o', join(cwd, 'again.pcapng')], ['dump', 'last', '-o', join(cwd, 'again.har')], ['dump', 'last', '-o', join(cwd, 'again.txt')], ['doctor']]; // prettier-ignore
    for (const command of showsSecrets ? [] : commands) {
      const said = await start(process.execPath, [tapesBin, ...command], { env, cwd }).ended;
      printed.push(...(await unpackFile(`tapes ${command.join(' ')}`, Buffer.from(said.stdout + said.stderr))));
    }
    const isGiven = (name: string): boolean => name.startsWith(codexHome);
    const files = (await readEverything(folder)).filter(([name]) => !isGiven(name));
    const proxyPassword = new URL(agent.proxy).password;
    const dumped = [...files.filter(([name]) => name.startsWith(dumpFolder)), ...printed.filter(([name]) => name.startsWith('stderr'))]; // prettier-ignore
    return {
      rows,
      proxyPassword,
      result,
      haystacks: [...files, ...printed],
      dumps: dumped,
      close: () => rmSync(folder, { recursive: true }),
    };
  } finally {
    await agent.end();
    provider.close();
    await upstreamProxy.close();
  }
}

/** Sends it, and waits for its answer. */
async function exchange(agent: WaitingAgent, id: string, planted: Planted): Promise<void> {
  if (planted.isHttp2 === true) return exchangeHttp2(agent, id, planted);
  const { method = 'GET', path = '/x', headers = [], body = [], trailers } = planted;
  const socket = await agent.connect('chatgpt.com');
  const length = body.reduce((sum, piece) => sum + piece.length, 0);
  const upgrade = ['Connection: Upgrade', 'Upgrade: websocket', 'Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==', 'Sec-WebSocket-Version: 13']; // prettier-ignore
  const framing = planted.socket !== undefined ? upgrade : trailers !== undefined ? ['Transfer-Encoding: chunked'] : [`Content-Length: ${length}`]; // prettier-ignore
  const extensions = planted.socket?.extensions === undefined ? [] : [`Sec-WebSocket-Extensions: ${planted.socket.extensions}`]; // prettier-ignore
  const fields = headers.map(([name, value]) => `${name}: ${value}`);
  const head = [`${method} ${path} HTTP/1.1`, 'Host: chatgpt.com', `${rowField}: ${id}`, ...fields, ...framing, ...extensions].join('\r\n'); // prettier-ignore
  const chunked = trailers?.map(([name, value]) => `${name}: ${value}\r\n`).join('');
  const pieces = chunked === undefined ? body : [Buffer.from(`${length.toString(16)}\r\n`), ...body, Buffer.from(`\r\n0\r\n${chunked}\r\n`)]; // prettier-ignore
  let received = 0;
  let waiting = { bytes: Infinity, resolve: (): void => undefined };
  socket.on('data', (bytes: Buffer) => {
    received += bytes.length;
    if (received >= waiting.bytes) waiting.resolve();
  });
  const until = (bytes: number): Promise<void> =>
    new Promise((resolve) => {
      waiting = { bytes, resolve };
      if (received >= bytes) resolve();
    });
  await writePieces(socket, [Buffer.from(`${head}\r\n\r\n`), ...pieces]);
  if (planted.socket === undefined) {
    await until(answerPieces(planted).reduce((sum, piece) => sum + piece.length, 0));
  } else {
    await until(1);
    const before = received;
    await writePieces(socket, planted.socket.sent);
    // The head of the answer may still be coming: what is asked for is no less than the frames.
    await until(before + planted.socket.answered.reduce((sum, piece) => sum + piece.length, 0));
  }
  socket.end();
  if (!socket.destroyed) await once(socket, 'close');
}

async function exchangeHttp2(agent: WaitingAgent, id: string, planted: Planted): Promise<void> {
  const socket = await agent.connect('api.openai.com', 'h2');
  const session = connectHttp2('https://api.openai.com', { createConnection: () => socket });
  const { method = 'GET', path = '/x', headers = [], body = [] } = planted;
  const stream = session.request({ ':method': method, ':path': path, [rowField]: id, ...Object.fromEntries(headers) });
  for (const piece of body) stream.write(piece);
  stream.end();
  stream.resume();
  await once(stream, 'end');
  session.close();
  await once(session, 'close');
}
