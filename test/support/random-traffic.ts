// Random scripts of wire events, as an engine could have told them: several connections at once, HTTP/1.1 and HTTP/2, WebSockets, bodies in
// any framing and any chunks, early and late ends, hang-ups from either side.
import type { Endpoint, RawHeaders, RequestHead } from '../../src/domain/index.ts';
import { cutIntoChunks, randomInt, seededRandom } from './chunks.ts';
import { requestHead, WireScript } from './wire-script.ts';

export interface ExpectedExchange {
  readonly method: string;
  readonly path: string;
  /** Null: none came. */
  readonly status: number | null;
  /** Was it cut before its stated end? */
  readonly isCut: boolean;
}

export interface RandomTraffic {
  readonly script: WireScript;
  readonly expected: readonly ExpectedExchange[];
}

type Random = () => number;

/** Steps of one connection; those of several are shuffled into each other. */
type Steps = (() => void)[];

export function randomTraffic(seed: number): RandomTraffic {
  const random = seededRandom(seed);
  const script = new WireScript();
  const expected: ExpectedExchange[] = [];
  let exchanges = 0;
  const newExchange = (): string =>
    `${seed.toString(16).padStart(4, '0')}${(exchanges++).toString(16).padStart(16, '0')}`;
  const lanes: Steps[] = [];
  for (let connection = randomInt(random, 1, 5); connection > 0; connection -= 1) {
    const client = randomClient(random, connection);
    const kind = pick(random, ['http1', 'http2', 'socket', 'refused'] as const);
    if (kind === 'http1') {
      const lane: Steps = [];
      for (let left = randomInt(random, 1, 4), isOpen = true; left > 0 && isOpen; left -= 1) {
        isOpen = addExchange(random, script, lane, expected, newExchange(), { client, httpVersion: '1.1' });
      }
      lanes.push(lane);
    } else if (kind === 'http2') {
      for (let streams = randomInt(random, 1, 4); streams > 0; streams -= 1) {
        const lane: Steps = [];
        addExchange(random, script, lane, expected, newExchange(), { client, httpVersion: '2.0' });
        lanes.push(lane);
      }
    } else lanes.push(socketLane(random, script, expected, newExchange(), client, kind));
  }
  for (
    let open = lanes.filter((lane) => lane.length > 0);
    open.length > 0;
    open = open.filter((lane) => lane.length > 0)
  ) {
    script.wait(random() * 5);
    pick(random, open).shift()!();
  }
  return { script, expected };
}

/** Gives whether the connection goes on. */
function addExchange(
  random: Random,
  script: WireScript,
  lane: Steps,
  expected: ExpectedExchange[],
  exchangeId: string,
  { client, httpVersion }: { client: Endpoint | null; httpVersion: string },
): boolean {
  const isHttp1 = httpVersion === '1.1';
  const method = pick(random, ['GET', 'POST', 'PUT', 'HEAD', 'DELETE']);
  const path = `/${exchangeId}${pick(random, ['', '?q=1', '/näh', '/a%20b'])}`.replace('ä', '%C3%A4');
  const requestBody = method === 'POST' || method === 'PUT' ? randomBytes(random) : new Uint8Array(0);
  const [requestFields] = framing(random, requestBody.length, isHttp1, method === 'GET' || method === 'HEAD');
  const request: Partial<RequestHead> = {
    method,
    path,
    httpVersion,
    client,
    headers: [
      ...(isHttp1
        ? ([['Host', 'chatgpt.com']] as RawHeaders)
        : ([
            [':method', method],
            [':authority', 'chatgpt.com'],
          ] as RawHeaders)),
      ['Content-Type', 'application/octet-stream'],
      ...requestFields,
    ],
  };
  const say = (event: object): void => void lane.push(() => script.add(event));
  say({ type: 'requestStarted', exchangeId, request: requestHead(request) });
  for (const data of chunksOf(random, requestBody)) say({ type: 'requestData', exchangeId, data });
  const ending = pick(random, ['ended', 'ended', 'ended', 'agent', 'upstream', 'silent'] as const);
  if (ending === 'silent') {
    say({ type: 'exchangeAborted', exchangeId, by: 'upstream', error: { code: 'ECONNREFUSED', message: 'refused' } });
    expected.push({ method, path, status: null, isCut: true });
    return false;
  }
  say({ type: 'requestEnded', exchangeId });
  const status = pick(random, [200, 200, 200, 204, 304, 404, 500]);
  const hasBody = method !== 'HEAD' && status !== 204 && status !== 304;
  const responseBody = hasBody ? randomBytes(random) : new Uint8Array(0);
  const [responseFields, framed] = framing(random, responseBody.length, isHttp1, !hasBody);
  const closes = isHttp1 && (framed === 'none' || random() < 0.2);
  const upstream = pick(random, [
    undefined,
    {
      local: { address: '10.0.0.7', port: 30_000 + randomInt(random, 0, 20_000) },
      remote: { address: '104.18.32.47', port: 443 },
      requestHeaders: null,
      response: null,
    },
    {
      local: { address: 'fd00::7', port: 30_000 + randomInt(random, 0, 20_000) },
      remote: { address: '2606:4700::6812:202f', port: 443 },
      requestHeaders: null,
      response: null,
    },
  ]);
  say({
    type: 'responseStarted',
    exchangeId,
    response: {
      status,
      reason: isHttp1 ? 'Whatever' : '',
      headers: [
        ...responseFields,
        ['Content-Type', 'application/octet-stream'],
        ...((closes ? [['Connection', 'close']] : []) as RawHeaders),
      ],
    },
    ...(upstream === undefined ? {} : { upstream }),
  });
  const chunks = chunksOf(random, responseBody);
  const passed = ending === 'ended' ? chunks : chunks.slice(0, randomInt(random, 0, chunks.length));
  for (const data of passed) say({ type: 'responseData', exchangeId, data });
  if (ending === 'ended') say({ type: 'responseEnded', exchangeId });
  else say({ type: 'exchangeAborted', exchangeId, by: ending, error: null });
  expected.push({ method, path, status, isCut: ending !== 'ended' });
  return ending === 'ended' && !closes && !(isHttp1 && hasBody && framed === 'none');
}

function socketLane(
  random: Random,
  script: WireScript,
  expected: ExpectedExchange[],
  exchangeId: string,
  client: Endpoint | null,
  kind: 'socket' | 'refused',
): Steps {
  const lane: Steps = [];
  const path = `/${exchangeId}`;
  const request = requestHead({
    method: 'GET',
    path,
    scheme: 'wss',
    httpVersion: '1.1',
    client,
    headers: [
      ['Host', 'chatgpt.com'],
      ['Connection', 'Upgrade'],
      ['Upgrade', 'websocket'],
      ['Sec-WebSocket-Version', '13'],
      ['Sec-WebSocket-Key', 'dGhlIHNhbXBsZSBub25jZQ=='],
    ],
  });
  if (kind === 'refused') {
    lane.push(() => script.add({ type: 'upgradeRefused', exchangeId, request, status: 426 }));
    expected.push({ method: 'GET', path, status: 426, isCut: false });
    return lane;
  }
  const headers: RawHeaders = [
    ['Upgrade', 'websocket'],
    ['Connection', 'Upgrade'],
    ['Sec-WebSocket-Accept', 's3pPLMBiTxaQ9kYGzzhZRbK+xOo='],
  ];
  const response = { status: 101, reason: 'Switching Protocols', headers };
  lane.push(() => script.add({ type: 'socketOpened', exchangeId, request, response }));
  for (let left = randomInt(random, 0, 8); left > 0; left -= 1) {
    const from = pick(random, ['agent', 'upstream']);
    const isBinary = random() < 0.3;
    const data = isBinary
      ? randomBytes(random)
      : new TextEncoder().encode(JSON.stringify({ n: left, text: 'é'.repeat(left * 9) }));
    lane.push(() => script.add({ type: 'socketMessage', exchangeId, from, isBinary, data }));
  }
  const code = pick(random, [null, 1000, 1005, 1011]);
  lane.push(() => script.add({ type: 'socketClosed', exchangeId, code, reason: code === 1011 ? 'oops' : '' }));
  expected.push({ method: 'GET', path, status: 101, isCut: false });
  return lane;
}

function framing(
  random: Random,
  bytes: number,
  isHttp1: boolean,
  mayBeEmpty: boolean,
): [RawHeaders, 'length' | 'chunked' | 'none'] {
  if (mayBeEmpty) return [[], 'length'];
  const kind = pick(random, isHttp1 ? (['length', 'chunked'] as const) : (['length', 'none'] as const));
  if (kind === 'length') return [[['Content-Length', String(bytes)]], kind];
  return kind === 'chunked' ? [[['Transfer-Encoding', 'chunked']], kind] : [[], kind];
}

function randomBytes(random: Random): Uint8Array {
  const size = pick(random, [0, 1, 5, 300, 1460, 1461, 5000, 70_000]);
  return Uint8Array.from({ length: size }, () => randomInt(random, 0, 255));
}

function chunksOf(random: Random, bytes: Uint8Array): Uint8Array[] {
  return cutIntoChunks(bytes, randomInt(random, 0, 1e6), pick(random, [100, 3000, 100_000]));
}

function randomClient(random: Random, connection: number): Endpoint | null {
  return pick(random, [
    null,
    { address: '127.0.0.1', port: 40_000 + connection },
    { address: '::ffff:127.0.0.1', port: 41_000 + connection },
    { address: '::1', port: 42_000 + connection },
  ]);
}

const pick = <T>(random: Random, from: readonly T[]): T => from[Math.floor(random() * from.length)]!;
