// Traffic that is faster than whoever keeps it: TCP itself holds the sender up, and for no longer than there is a reason.
import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { request as httpsRequest } from 'node:https';
import {
  connect as connectHttp2,
  createSecureServer,
  type Http2ServerRequest,
  type Http2ServerResponse,
} from 'node:http2';
import type { AddressInfo, Socket } from 'node:net';
import type { Readable, Writable } from 'node:stream';
import type { TLSSocket } from 'node:tls';

import { afterEach, expect, it } from 'vitest';

import type { Pace, WireEvent } from '../../src/domain/index.ts';
import { Backlog } from '../../src/store/recorder/backlog.ts';
import { makeLeaf, readTestRoot, testRootFile } from '../support/certificates.ts';
import { startInterceptor, type TestInterceptor } from '../support/interceptor.ts';

const mebi = 1024 * 1024;
/** More than all buffers on the way can hold. */
const bodyBytes = 48 * mebi;
const closing: (() => unknown)[] = [];
afterEach(async () => {
  for (const close of closing.splice(0).reverse()) await close();
});

/** Somebody who is behind when a test says so. */
class ByHand implements Pace {
  #isBehind = false;
  #waiting: (() => void)[] = [];

  isBehind(): boolean {
    return this.#isBehind;
  }

  whenNotBehind(goOn: () => void): void {
    this.#waiting.push(goOn);
  }

  fallBehind(): void {
    this.#isBehind = true;
  }

  catchUp(): void {
    this.#isBehind = false;
    for (const goOn of this.#waiting.splice(0)) goOn();
  }
}

interface Body {
  bytes: number;
  sha256: string;
}

/** Sends as fast as it is taken; `sent` says at any time how much has been. */
async function send(to: Writable, sent: Body): Promise<void> {
  const hash = createHash('sha256');
  for (let at = 0; sent.bytes < bodyBytes; at += 1) {
    const piece = Buffer.alloc(64 * 1024, at);
    hash.update(piece);
    await new Promise((resolve) => to.write(piece, resolve));
    sent.bytes += piece.length;
  }
  sent.sha256 = hash.digest('hex');
  to.end();
}

async function receive(from: Readable): Promise<Body> {
  const hash = createHash('sha256');
  let bytes = 0;
  for await (const piece of from as AsyncIterable<Buffer>) {
    hash.update(piece);
    bytes += piece.length;
  }
  return { bytes, sha256: hash.digest('hex') };
}

type Serve = (request: Http2ServerRequest, response: Http2ServerResponse, socket: Socket) => void;

interface Scene {
  readonly tapes: TestInterceptor;
  /** How much of bodies has been told. */
  readonly toldBytes: () => number;
  connect(alpn: string): Promise<TLSSocket>;
}

/** `onTold`: told of each event, and how much of bodies has been told by then. */
async function set(serve: Serve, pace: Pace, onTold: (bytes: number, event: WireEvent) => void): Promise<Scene> {
  const server = createSecureServer({ ...makeLeaf(readTestRoot(), ['chatgpt.com']), allowHTTP1: true });
  const sockets = new Map<number | undefined, Socket>();
  server.on('connection', (socket: Socket) => {
    sockets.set(socket.remotePort, socket);
    closing.push(() => socket.destroy());
  });
  server.on('request', (request, response) => {
    for (const each of [request, response]) each.on('error', () => undefined);
    serve(request, response, sockets.get(request.socket.remotePort)!);
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  closing.push(() => server.close());
  const { port } = server.address() as AddressInfo;
  let told = 0;
  const tapes = await startInterceptor({
    standIn: { caFile: testRootFile, resolveArgs: () => ['--resolve', `chatgpt.com:443:127.0.0.1:${port}`] },
    pace,
    onEvent(event) {
      if ('data' in event) told += event.data.length;
      onTold(told, event);
    },
  });
  closing.push(() => tapes.close());
  return {
    tapes,
    toldBytes: () => told,
    async connect(alpn) {
      const socket = await tapes.connectTls('chatgpt.com', 443, { ALPNProtocols: [alpn] });
      socket.on('error', () => undefined);
      closing.push(() => socket.destroy());
      return socket;
    },
  };
}

/** A request that can be written, and its answer. */
function ask(socket: TLSSocket): { request: Writable; answer: Promise<Readable> } {
  const path = '/backend-api/codex/responses';
  if (socket.alpnProtocol === 'h2') {
    const session = connectHttp2('https://chatgpt.com', { createConnection: () => socket });
    session.on('error', () => undefined);
    closing.push(() => session.destroy());
    const stream = session.request({ ':method': 'POST', ':path': path });
    stream.on('error', () => undefined);
    return { request: stream, answer: once(stream, 'response').then(() => stream) };
  }
  const request = httpsRequest({ method: 'POST', path, createConnection: () => socket });
  request.on('error', () => undefined);
  const answer = once(request, 'response').then(([response]) => response as Readable);
  // Where the connection ends before it, nobody may be waiting for it.
  answer.catch(() => undefined);
  return { request, answer };
}

/** What `count` says once it has said the same for a while. */
async function standingStill(count: () => number): Promise<number> {
  let last = count();
  for (let same = 0; same < 20; same += 1) {
    await new Promise((resolve) => setTimeout(resolve, 25));
    if (count() !== last) same = 0;
    last = count();
  }
  return last;
}

const toldOf = ({ tapes }: Scene, type: 'requestData' | 'responseData'): Body => {
  const hash = createHash('sha256');
  let bytes = 0;
  for (const event of tapes.events) {
    if (event.type !== type) continue;
    hash.update(event.data);
    bytes += event.data.length;
  }
  return { bytes, sha256: hash.digest('hex') };
};

for (const alpn of ['http/1.1', 'h2']) {
  it(`holds a provider up while its answer is kept too slowly, and loses no byte: ${alpn}`, async () => {
    const sent: Body = { bytes: 0, sha256: '' };
    const pace = new ByHand();
    let isHolding = true;
    const scene = await set(
      (_request, response) => void send(response, sent),
      pace,
      (bytes) => isHolding && bytes > mebi && pace.fallBehind(),
    );
    const { request, answer } = ask(await scene.connect(alpn));
    request.end();
    const receiving = answer.then(receive);
    const stoodAt = await standingStill(() => sent.bytes);
    const toldThen = scene.toldBytes();
    isHolding = false;
    pace.catchUp();

    expect(await receiving).toEqual(sent);
    expect(stoodAt).toBeLessThan(bodyBytes / 2);
    // What came with the read that was too much.
    expect(toldThen).toBeLessThan(2 * mebi);
    await scene.tapes.waitFor('responseEnded');
    expect(toldOf(scene, 'responseData')).toEqual(sent);
  });

  it(`holds an agent up while its request is kept too slowly, and loses no byte: ${alpn}`, async () => {
    const sent: Body = { bytes: 0, sha256: '' };
    const pace = new ByHand();
    let isHolding = true;
    const got: Body[] = [];
    const scene = await set(
      (incoming, response) => void receive(incoming).then((body) => (got.push(body), response.end())),
      pace,
      (bytes) => isHolding && bytes > mebi && pace.fallBehind(),
    );
    const { request, answer } = ask(await scene.connect(alpn));
    void send(request, sent);
    const stoodAt = await standingStill(() => sent.bytes);
    const toldThen = scene.toldBytes();
    isHolding = false;
    pace.catchUp();

    await answer.then(receive);
    expect(got).toEqual([sent]);
    expect(stoodAt).toBeLessThan(bodyBytes / 2);
    expect(toldThen).toBeLessThan(2 * mebi);
    expect(toldOf(scene, 'requestData')).toEqual(sent);
  });
}

it('holds traffic up once, and then no more, for somebody who keeps nothing', async () => {
  const sent: Body = { bytes: 0, sha256: '' };
  const backlog = new Backlog(64 * mebi);
  let holds = 0;
  const scene = await set(
    (_request, response) => void send(response, sent),
    backlog,
    (_bytes, event) => {
      const wasBehind = backlog.isBehind();
      if ('data' in event) backlog.count(event.data.length);
      if (!wasBehind && backlog.isBehind()) holds += 1;
    },
  );
  const { request, answer } = ask(await scene.connect('http/1.1'));
  request.end();

  expect(await answer.then(receive)).toEqual(sent);
  expect(holds).toBe(1);
});

it('passes on that the agent has hung up, once its connection is read again', async () => {
  const pace = new ByHand();
  const scene = await set(
    (_request, response) => void response.write('begun'),
    pace,
    (_bytes, { type }) => type === 'requestStarted' && pace.fallBehind(),
  );
  const socket = await scene.connect('http/1.1');
  ask(socket).request.end();
  await scene.tapes.waitFor('responseData');
  socket.destroy();
  pace.catchUp();
  expect(await scene.tapes.waitFor('exchangeAborted')).toMatchObject([{ by: 'agent' }]);
});

it('passes on that the provider has reset the connection, once it is read again', async () => {
  const pace = new ByHand();
  let provider: Socket | null = null;
  const scene = await set(
    (_request, response, socket) => {
      provider = socket;
      response.write('begun');
    },
    pace,
    (_bytes, { type }) => type === 'responseData' && pace.fallBehind(),
  );
  const socket = await scene.connect('http/1.1');
  const { request, answer } = ask(socket);
  request.end();
  const response = await answer;
  const failed = once(response, 'error');
  await scene.tapes.waitFor('responseData');
  provider!.resetAndDestroy();
  pace.catchUp();
  expect(await failed).toMatchObject([{ code: 'ECONNRESET' }]);
  expect(await scene.tapes.waitFor('exchangeAborted')).toMatchObject([{ by: 'upstream' }]);
});
