// The stand-in provider over WebSockets: the same scenario as over POST, one event a message.
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { afterEach, expect, test } from 'vitest';
import { WebSocket } from 'ws';
import {
  closeSocket,
  cutAfter,
  hang,
  httpError,
  reset,
  startStandIn,
  text,
  type StandIn,
  type StandInOptions,
  type WebSocketPolicy,
} from './index.ts';
import { askHttp2 } from './raw-client.ts';

type Json = Record<string, unknown>;

let standIn: StandIn;

afterEach(async () => {
  await standIn.close();
});

async function open(options: StandInOptions = {}): Promise<StandIn> {
  standIn = await startStandIn(options);
  return standIn;
}

function dial(path = '/backend-api/codex/responses'): WebSocket {
  const options = { servername: 'chatgpt.com', ca: readFileSync(standIn.caFile) };
  const headers = { Host: 'chatgpt.com', 'X-Order': '1' };
  return new WebSocket(`wss://127.0.0.1:${standIn.port}${path}`, { ...options, headers });
}

async function dialOpen(path?: string): Promise<WebSocket> {
  const socket = dial(path);
  await once(socket, 'open');
  return socket;
}

/** Sends a call and gives the events until a terminal one, or until the socket closes. */
async function call(socket: WebSocket, body: Json): Promise<Json[]> {
  const got: Json[] = [];
  const ended = new Promise<void>((resolve) => {
    socket.on('message', (data: Buffer) => {
      const event = JSON.parse(data.toString('utf8')) as Json;
      got.push(event);
      if (/completed|failed|incomplete|^error$/.test(String(event['type']))) resolve();
    });
    socket.once('close', () => resolve());
    socket.on('error', () => {});
  });
  socket.send(JSON.stringify({ type: 'response.create', model: 'gpt-test', input: [], ...body }));
  await ended;
  socket.removeAllListeners('message');
  return got;
}

test('a prewarm uses up no answer, and calls go on from the response before', async () => {
  await open({ scenario: [text('One two'), text('Three')] });
  const socket = await dialOpen();
  const warm = await call(socket, { generate: false });
  expect(warm.map(({ type }) => type)).toEqual(['response.created', 'response.completed']);
  expect(warm[1]).toMatchObject({ response: { id: 'resp_warm1' } });
  const first = await call(socket, { previous_response_id: 'resp_warm1' });
  expect(first.map(({ type }) => type)).toEqual([
    'response.created',
    'response.output_item.added',
    'response.output_text.delta',
    'response.output_text.delta',
    'response.output_item.done',
    'response.completed',
  ]);
  expect((await call(socket, { previous_response_id: 'resp_1' })).at(-1)).toMatchObject({ response: { id: 'resp_2' } });
  socket.terminate();
  const received = await standIn.waitFor(({ sockets }) => sockets.find(({ closed }) => closed !== null));
  expect(received.closed?.code).toBe(1006);
  expect(received.extensions).toBe('permessage-deflate');
  expect(received.messages.filter(({ from }) => from === 'client')).toHaveLength(3);
  expect(received.messages.filter(({ from }) => from === 'standIn')).toHaveLength(13);
  expect(standIn.calls.map(({ kind, transport, ended }) => [kind, transport, ended])).toEqual([
    ['prewarm', 'websocket', 'sent'],
    ['turn', 'websocket', 'sent'],
    ['turn', 'websocket', 'sent'],
  ]);
  expect(standIn.calls[1]?.sentEvents.map((event) => JSON.parse(event) as unknown)).toEqual(first);
});

test('a call from a response that this socket did not give is an error', async () => {
  await open();
  const socket = await dialOpen();
  expect(await call(socket, { previous_response_id: 'resp_9' })).toMatchObject([
    { type: 'error', status: 400, error: { code: 'previous_response_not_found' } },
  ]);
});

test('an HTTP error becomes an error event', async () => {
  await open({ scenario: [httpError(429, { error: { type: 'usage_limit_reached' } })] });
  expect(await call(await dialOpen(), {})).toEqual([
    { type: 'error', status: 429, error: { type: 'usage_limit_reached' } },
  ]);
});

test('a cut delivers the events before it and no close frame', async () => {
  await open({ scenario: [cutAfter(2)] });
  const socket = await dialOpen();
  const closed = once(socket, 'close');
  expect(await call(socket, {})).toHaveLength(2);
  expect((await closed)[0]).toBe(1006);
  await standIn.waitFor(({ calls }) => calls[0]?.ended === 'cut');
});

test('a socket can be closed with a code, or reset', async () => {
  await open({ scenario: [closeSocket(1011, 'internal'), reset] });
  const [first, second] = [await dialOpen(), await dialOpen()];
  const closed = Promise.all([once(first, 'close'), once(second, 'close')]);
  await call(first, {});
  await call(second, {});
  const [[firstCode, reason], [secondCode]] = (await closed) as [[number, Buffer], [number, Buffer]];
  expect([firstCode, reason.toString(), secondCode]).toEqual([1011, 'internal', 1006]);
});

test('an answer without end goes on until the client leaves', async () => {
  await open({ scenario: [hang({ everyMs: 1 })] });
  const socket = await dialOpen();
  const called = call(socket, {});
  await standIn.waitFor(({ calls }) => (calls[0]?.sentEvents.length ?? 0) > 5);
  socket.terminate();
  await called;
  const left = await standIn.waitFor(({ calls }) => calls.find(({ ended }) => ended !== 'open'));
  expect(left.ended).toBe('clientLeft');
});

test.each<[WebSocketPolicy, number]>([
  ['refuse-426', 426],
  [{ status: 404 }, 404],
])('the policy %o answers the upgrade with %i', async (websocket, status) => {
  await open({ websocket });
  const [error] = (await once(dial(), 'error')) as [Error];
  expect(error.message).toContain(String(status));
  expect(standIn.requests[0]).toMatchObject({ transport: 'websocket', status });
  const other = await dialOpen('/backend-api/realtime');
  other.terminate();
});

test('the policy drop answers nothing', async () => {
  await open({ websocket: 'drop' });
  const [error] = (await once(dial(), 'error')) as [Error];
  expect(error.message).toMatch(/hang up|ECONNRESET|disconnected/);
  expect(standIn.requests[0]).toMatchObject({ transport: 'websocket', status: null });
});

test('sockets on other paths echo text and bytes', async () => {
  await open();
  const socket = await dialOpen('/backend-api/realtime?x=1');
  socket.send(Buffer.from([0, 1, 255]));
  expect(await once(socket, 'message')).toEqual([Buffer.from([0, 1, 255]), true]);
  socket.send('grüezi');
  expect(await once(socket, 'message')).toEqual([Buffer.from('grüezi'), false]);
  expect(standIn.calls).toEqual([]);
});

test('the upgrade request is kept as it came, and common headers are on the 101', async () => {
  await open({ responseHeaders: [['x-codex-turn-state', 'sticky']], permessageDeflate: false });
  const socket = dial();
  const [response] = (await once(socket, 'upgrade')) as [{ headers: Record<string, string> }];
  expect(response.headers['x-codex-turn-state']).toBe('sticky');
  expect(standIn.requests[0]?.rawHeaders).toContainEqual(['X-Order', '1']);
  expect(standIn.sockets[0]?.extensions).toBe('');
});

test('POST and WebSocket share one scenario and one port', async () => {
  await open({ scenario: [text('First'), text('Second')] });
  await call(await dialOpen(), {});
  const answer = await askHttp2(standIn, { body: '{"model":"gpt-test"}' });
  expect(answer.body.toString()).toContain('"Second"');
});
