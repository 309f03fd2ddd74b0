// The mixed load: lanes that each do one kind of thing over and over until they are told to stop. What a lane opens it closes again.
import { once, setMaxListeners } from 'node:events';
import { connect as connectHttp2 } from 'node:http2';
import { WebSocket } from 'ws';

import { openTls, openTunnel, type Way } from '../../bench/traffic/way.ts';
import { randomInt, seededRandom } from '../support/chunks.ts';
import { answerTo, callPath, interceptedHost, randomBytes, type Ask } from './ask.ts';
import { Conversation } from './conversation.ts';
import { http1Line, http2Line, type Line, type Reading } from './exchange.ts';
import { sha256, type Ledger, type Meant } from './ledger.ts';
import { rest } from './rest.ts';

export interface Load {
  /** Finishes what it is at. */
  stop(): Promise<void>;
}

export const laneNames = [
  'http2',
  'http1',
  'leavers',
  'cuts',
  'large',
  'slow',
  'idle',
  'relayed',
  'refused',
  'tunnels',
] as const;
export type LaneName = (typeof laneNames)[number];

export interface LoadOptions {
  readonly lanes: readonly LaneName[];
  readonly way: Way;
  readonly echoPort: number;
  readonly ledger: Ledger;
  readonly seed: number;
}

type Protocol = 'http1' | 'http2';

/** What a lane works with. */
interface Desk extends LoadOptions {
  readonly random: () => number;
  readonly stopped: AbortSignal;
  newSeed(): number;
  rest(ms: number): Promise<void>;
}

type Lane = (desk: Desk) => Promise<void>;

export function startLoad(options: LoadOptions): Load {
  const stopping = new AbortController();
  setMaxListeners(0, stopping.signal);
  let seeds = options.seed * 1_000_000;
  const begin = async (lane: Lane, number: number): Promise<void> => {
    const desk: Desk = {
      ...options,
      random: seededRandom(options.seed + number),
      stopped: stopping.signal,
      newSeed: () => (seeds += 1),
      rest: (ms) => rest(ms, stopping.signal),
    };
    while (!stopping.signal.aborted) {
      try {
        await lane(desk);
      } catch (error) {
        options.ledger.problem(`${lane.name}: ${(error as Error).message}`);
        await desk.rest(1_000);
      }
    }
  };
  const running = options.lanes.flatMap((name) => lanesOf[name]).map(begin);
  return {
    async stop() {
      stopping.abort();
      await Promise.all(running);
    },
  };
}

async function openLine(way: Way, protocol: Protocol): Promise<Line> {
  const socket = await openTls(way, [protocol === 'http2' ? 'h2' : 'http/1.1']);
  if (protocol === 'http1') return http1Line(socket);
  const session = connectHttp2(`https://${interceptedHost}`, { createConnection: () => socket });
  // Whoever reads a stream sees that the connection has ended.
  session.on('error', () => undefined);
  return http2Line(session);
}

const pick = <T>({ random }: Desk, from: readonly T[]): T => from[Math.floor(random() * from.length)]!;

interface Wanted {
  readonly kind: string;
  readonly meant?: Meant;
  readonly ask: Ask;
  readonly reading?: Reading;
}

/** One model call of a conversation. */
async function call(desk: Desk, line: Line, talk: Conversation, isNewTurn: boolean, wanted: Wanted): Promise<void> {
  const { ledger } = desk;
  const { kind, ask, reading, meant = 'whole' } = wanted;
  const id = ledger.newId();
  const posted = await talk.next(id, desk.newSeed(), isNewTurn);
  const answer = (): Uint8Array => Buffer.concat(answerTo(ask));
  const entry = ledger.begin({ id, kind, meant, isCall: true, decodedRequestSha256: sha256(posted.decoded), answer });
  const got = await line.exchange({ ...posted, ask }, reading);
  ledger.over(entry, posted.body, got.bytes, got.failure);
}

/** Bytes there, bytes back, and no model's. */
async function bytes(desk: Desk, line: Line, wanted: Wanted & { readonly body: Uint8Array }): Promise<void> {
  const { ledger } = desk;
  const { kind, ask, body, reading } = wanted;
  const id = ledger.newId();
  const answer = (): Uint8Array => Buffer.concat(answerTo(ask));
  const entry = ledger.begin({ id, kind, meant: 'whole', isCall: false, decodedRequestSha256: '', answer });
  const headers = [['content-type', 'application/octet-stream']] as const;
  const got = await line.exchange({ path: `/soak/bytes?soak=${id}`, headers, body, ask }, reading);
  ledger.over(entry, body, got.bytes, got.failure);
}

const talkOf = (desk: Desk): Conversation => new Conversation(`session-${desk.seed}-${desk.newSeed()}`);
const events = (desk: Desk, more: Partial<Extract<Ask, { type: 'events' }>> = {}): Ask => ({
  type: 'events',
  seed: desk.newSeed(),
  words: randomInt(desk.random, 20, 300),
  everyMs: 10,
  ...more,
});

/** An agent that comes, has a conversation of some turns, and goes. */
const agent = (protocol: Protocol): Lane =>
  async function agent(desk) {
    const line = await openLine(desk.way, protocol);
    const talk = talkOf(desk);
    for (let left = randomInt(desk.random, 3, 14); left > 0 && !desk.stopped.aborted; left -= 1) {
      await call(desk, line, talk, desk.random() < 0.4, { kind: `call over ${protocol}`, ask: events(desk) });
      await desk.rest(randomInt(desk.random, 0, 300));
    }
    line.close();
  };

async function leavers(desk: Desk): Promise<void> {
  const protocol = pick(desk, ['http1', 'http2'] as const);
  const line = await openLine(desk.way, protocol);
  const leaveAfterBytes = randomInt(desk.random, 1, 4_000);
  await call(desk, line, talkOf(desk), true, {
    kind: `call left by the client, ${protocol}`,
    meant: 'leftByClient',
    ask: events(desk, { words: 400 }),
    reading: { leaveAfterBytes },
  });
  line.close();
  await desk.rest(1_000);
}

async function cuts(desk: Desk): Promise<void> {
  const protocol = pick(desk, ['http1', 'http2'] as const);
  const resets = desk.random() < 0.5;
  const whole = { type: 'events', seed: desk.newSeed(), words: 60, everyMs: 5 } as const;
  const line = await openLine(desk.way, protocol);
  await call(desk, line, talkOf(desk), true, {
    kind: `call ${resets ? 'reset' : 'cut'} by the provider, ${protocol}`,
    meant: 'cutByProvider',
    ask: { ...whole, cutAfter: randomInt(desk.random, 0, answerTo(whole).length - 1), resets },
  });
  line.close();
  await desk.rest(1_000);
}

async function bigBodies(desk: Desk): Promise<void> {
  const protocol = pick(desk, ['http1', 'http2'] as const);
  const line = await openLine(desk.way, protocol);
  const [up, down] = pick(desk, [
    [6_000_000, 100],
    [100, 6_000_000],
    [1_000_000, 1_000_000],
  ] as const);
  const ask: Ask = { type: 'bytes', seed: desk.newSeed(), bytes: down };
  await bytes(desk, line, { kind: `large body, ${protocol}`, ask, body: randomBytes(desk.newSeed(), up) });
  line.close();
  await desk.rest(2_000);
}

async function slowReaders(desk: Desk): Promise<void> {
  const protocol = pick(desk, ['http1', 'http2'] as const);
  const line = await openLine(desk.way, protocol);
  const ask: Ask = { type: 'bytes', seed: desk.newSeed(), bytes: 1_500_000 };
  const reading = { pauseMs: 60 };
  await bytes(desk, line, { kind: `slow reader, ${protocol}`, ask, body: new Uint8Array(0), reading });
  line.close();
}

/** Connections that are used, lie idle, and are used again. */
async function idlers(desk: Desk): Promise<void> {
  const lines = await Promise.all(
    Array.from({ length: 12 }, (_, at) => openLine(desk.way, at % 2 === 0 ? 'http1' : 'http2')),
  );
  for (let round = 0; round < 2; round += 1) {
    for (const line of lines) {
      const ask: Ask = { type: 'bytes', seed: desk.newSeed(), bytes: 2_000 };
      await bytes(desk, line, { kind: 'on a kept connection', ask, body: randomBytes(desk.newSeed(), 500) });
    }
    await desk.rest(20_000);
  }
  for (const line of lines) line.close();
}

async function relayedSockets(desk: Desk): Promise<void> {
  const socket = await openTls(desk.way, ['http/1.1']);
  const client = new WebSocket(`wss://${interceptedHost}/soak/echo`, { createConnection: () => socket });
  await once(client, 'open');
  for (let left = 20; left > 0 && !desk.stopped.aborted; left -= 1) {
    const isBinary = desk.random() < 0.5;
    const data = Buffer.from(randomBytes(desk.newSeed(), pick(desk, [1, 200, 5_000, 70_000])));
    const sent = isBinary ? data : Buffer.from(data.toString('base64'));
    client.send(isBinary ? sent : sent.toString(), { binary: isBinary });
    const [echo, wasBinary] = (await once(client, 'message')) as [Buffer, boolean];
    if (wasBinary !== isBinary || !echo.equals(sent)) desk.ledger.problem('WebSocket: another message came back');
    desk.ledger.count('WebSocket message', sent.length + echo.length);
    await desk.rest(100);
  }
  client.close(1000, 'enough');
  const [code] = (await once(client, 'close')) as [number];
  if (code !== 1000) desk.ledger.problem(`WebSocket: closed with ${code}`);
}

async function refusedSockets(desk: Desk): Promise<void> {
  const socket = await openTls(desk.way, ['http/1.1']);
  const client = new WebSocket(`wss://${interceptedHost}${callPath}`, { createConnection: () => socket });
  const status = await new Promise<number>((resolve) => {
    client.on('error', () => resolve(0));
    client.once('unexpected-response', (_request, response) => resolve(response.statusCode ?? 0));
    client.once('open', () => resolve(101));
  });
  if (status !== 426) desk.ledger.problem(`WebSocket to a model: ${status}, not 426`);
  desk.ledger.count('WebSocket refused', 0);
  client.terminate();
  socket.destroy();
  await desk.rest(2_000);
}

/** To a host that is not intercepted: whatever bytes, and each half ends by itself. */
async function tunnels(desk: Desk): Promise<void> {
  const socket = await openTunnel(desk.way, `127.0.0.1:${desk.echoPort}`);
  const sent = randomBytes(desk.newSeed(), pick(desk, [1, 10_000, 3_000_000]));
  const chunks: Buffer[] = [];
  socket.on('data', (chunk: Buffer) => chunks.push(chunk));
  const ended = once(socket, 'end');
  socket.end(sent);
  await ended;
  if (!Buffer.concat(chunks).equals(sent)) desk.ledger.problem('tunnel: other bytes came back');
  desk.ledger.count('tunnel', 2 * sent.length);
  socket.destroy();
  await desk.rest(500);
}

const lanesOf: Readonly<Record<LaneName, readonly Lane[]>> = {
  http2: [agent('http2'), agent('http2'), agent('http2')],
  http1: [agent('http1'), agent('http1')],
  leavers: [leavers],
  cuts: [cuts],
  large: [bigBodies],
  slow: [slowReaders],
  idle: [idlers],
  relayed: [relayedSockets],
  refused: [refusedSockets],
  tunnels: [tunnels],
};
