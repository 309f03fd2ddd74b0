// The stand-in provider, asked by plain HTTP/1.1 and HTTP/2 clients. WebSockets are in websocket.test.ts.
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { connect, type TLSSocket } from 'node:tls';
import { createGunzip } from 'node:zlib';
import { decodeBuffer, encodeBuffer } from 'http-encoding';
import { afterEach, describe, expect, test } from 'vitest';
import { makeTokens } from '../../../src/provider/index.ts';
import {
  compaction,
  cutAfter,
  events,
  exhausted,
  failed,
  functionCall,
  hang,
  headerValue,
  httpError,
  incomplete,
  onlyEvents,
  rateLimits,
  reasoning,
  reset,
  setCookie,
  silent,
  startStandIn,
  text,
  together,
  toolCall,
  usageLimitReached,
  webSearch,
  type Compression,
  type StandIn,
  type StandInOptions,
} from './index.ts';
import { askHttp1, askHttp2, type Ask } from './raw-client.ts';

let standIn: StandIn;

afterEach(async () => {
  await standIn.close();
});

async function open(options: StandInOptions = {}): Promise<StandIn> {
  standIn = await startStandIn(options);
  return standIn;
}

/** The events of an SSE body, having checked that `event:` and `data:` agree. */
function eventsOf(body: Uint8Array): Record<string, unknown>[] {
  const blocks = Buffer.from(body).toString('utf8').split('\n\n').slice(0, -1);
  return blocks.map((block) => {
    const [, name, data] = /^event: (.*)\ndata: (.*)$/.exec(block) ?? [];
    const json = JSON.parse(data ?? '') as Record<string, unknown>;
    expect(json['type']).toBe(name);
    return json;
  });
}

function typesOf(body: Uint8Array): unknown[] {
  return eventsOf(body).map((event) => event['type']);
}

const body = JSON.stringify({ model: 'gpt-test', input: [], stream: true });
const protocols: readonly (readonly [string, Ask])[] = [
  ['HTTP/1.1', askHttp1],
  ['HTTP/2', askHttp2],
];

describe.each(protocols)('over %s', (name, ask) => {
  test('a text is streamed in its order, each event a chunk of its own, with an empty output at the end', async () => {
    await open({ scenario: [text('Hello from here.', { delayMs: 5 })] });
    const answer = await ask(standIn, { body });
    expect(answer).toMatchObject({ status: 200, errorCode: null });
    expect(headerValue(answer.headers, 'content-type')).toBe('text/event-stream');
    expect(typesOf(answer.body)).toEqual([
      'response.created',
      'response.output_item.added',
      'response.output_text.delta',
      'response.output_text.delta',
      'response.output_text.delta',
      'response.output_item.done',
      'response.completed',
    ]);
    expect(answer.chunks.map(typesOf).flat()).toHaveLength(7);
    expect(answer.chunks).toHaveLength(7);
    const completed = eventsOf(answer.body).at(-1)?.['response'];
    expect(completed).toMatchObject({ id: 'resp_1', model: 'gpt-test', output: [], usage: { total_tokens: 112 } });
    const call = await standIn.waitFor(({ calls }) => calls[0]);
    expect(call).toMatchObject({ kind: 'turn', transport: 'https', responseId: 'resp_1', ended: 'sent' });
    expect(Buffer.concat(call.sentChunks)).toEqual(answer.body);
    expect(call.sentEvents.map((event) => JSON.parse(event) as unknown)).toEqual(eventsOf(answer.body));
    expect(call.sentAt).toEqual(call.sentAt.slice().sort((a, b) => a - b));
    expect(call.sentAt).toHaveLength(7);
    const request = standIn.requests[0];
    expect(request).toMatchObject({ status: 200, aborted: false, httpVersion: name.endsWith('2') ? '2.0' : '1.1' });
    expect(request?.tls).toEqual({ servername: 'chatgpt.com', alpn: name.endsWith('2') ? 'h2' : null });
  });

  test('a cut delivers the events before it and then ends the connection', async () => {
    await open({ scenario: [cutAfter(3, text('Hello from here.')), text('Whole.')] });
    const answer = await ask(standIn, { body });
    expect(answer.errorCode).not.toBeNull();
    expect(typesOf(answer.body)).toEqual([
      'response.created',
      'response.output_item.added',
      'response.output_text.delta',
    ]);
    const call = await standIn.waitFor(({ calls }) => calls.find(({ ended }) => ended === 'cut'));
    expect(call.request.aborted).toBe(false);
    expect((await ask(standIn, { body })).errorCode).toBeNull();
  });

  test('an answer without end goes on until the client leaves', async () => {
    await open({ scenario: [hang({ everyMs: 1 })] });
    const answer = await ask(standIn, {
      body,
      onChunk: (chunk, leave) => void (chunk.includes('delta') && leave()),
    });
    expect(answer.errorCode).not.toBeNull();
    const call = await standIn.waitFor(({ calls }) => calls.find(({ ended }) => ended === 'clientLeft'));
    expect(call.request.aborted).toBe(true);
  });

  test('a reset comes before any byte', async () => {
    await open({ scenario: [reset] });
    const answer = await ask(standIn, { body });
    expect(answer).toMatchObject({ status: 0, chunks: [] });
    expect(answer.errorCode).not.toBeNull();
    await standIn.waitFor(({ calls }) => calls[0]?.ended === 'cut');
  });

  test('no answer is no answer: the request stays open until the client gives up', async () => {
    await open({ scenario: [silent] });
    const pending = ask(standIn, { body });
    await standIn.waitFor(({ calls }) => calls[0]?.answer);
    expect(standIn.requests[0]).toMatchObject({ status: null, aborted: false });
    await standIn.close();
    expect((await pending).errorCode).not.toBeNull();
  });

  test.each<Compression>(['gzip', 'br', 'zstd', 'deflate'])('an answer can be compressed with %s', async (compress) => {
    await open({ scenario: [text('Hello from here.', { compress })] });
    const answer = await ask(standIn, { body });
    expect(headerValue(answer.headers, 'content-encoding')).toBe(compress);
    expect(typesOf(await decodeBuffer(answer.body, compress))).toHaveLength(7);
    expect(standIn.calls[0]?.sentEvents).toHaveLength(7);
  });

  test('an answer can come without content-type, with rate limits and a cookie', async () => {
    const limits = rateLimits({ primary: { usedPercent: 42.5 }, credits: { balance: '9.50' } });
    const headers = [...limits, ...setCookie('a', 'one'), ...setCookie('b', 'two')];
    await open({
      scenario: [text('Hello', { contentType: null, headers })],
      responseHeaders: [['x-request-id', 'r1']],
    });
    const answer = await ask(standIn, { body });
    expect(headerValue(answer.headers, 'content-type')).toBeNull();
    expect(headerValue(answer.headers, 'x-codex-primary-used-percent')).toBe('42.5');
    expect(headerValue(answer.headers, 'x-codex-primary-window-minutes')).toBe('300');
    expect(headerValue(answer.headers, 'x-codex-credits-balance')).toBe('9.50');
    expect(headerValue(answer.headers, 'x-request-id')).toBe('r1');
    expect(answer.headers.filter(([key]) => key === 'set-cookie').map(([, value]) => value.slice(0, 5))).toEqual([
      'a=one',
      'b=two',
    ]);
  });

  test('a request is kept byte for byte, with its trailers', async () => {
    await open();
    const bytes = Buffer.from(Array.from({ length: 100_000 }, (_, index) => index % 251));
    const answer = await ask(standIn, {
      host: 'files.example.test',
      path: '/upload?a=1',
      body: bytes,
      trailers: { 'x-sum': '7' },
    });
    expect(answer.body.equals(bytes)).toBe(true);
    const request = standIn.requests[0];
    expect(request).toMatchObject({ method: 'POST', path: '/upload?a=1', host: 'files.example.test' });
    expect(request?.bodyBytes.equals(bytes)).toBe(true);
    expect(request?.trailers).toEqual([['x-sum', '7']]);
    expect(request?.tls.servername).toBe('files.example.test');
  });
});

test('header names keep their order, casing and repeats', async () => {
  await open();
  const socket = await dial('example.test');
  socket.write('GET /x HTTP/1.1\r\nhOST: example.test\r\nX-B: 2\r\nx-a: 1\r\nX-B:  3\r\nConnection: close\r\n\r\n');
  await once(socket, 'data');
  expect(standIn.requests[0]?.rawHeaders).toEqual([
    ['hOST', 'example.test'],
    ['X-B', '2'],
    ['x-a', '1'],
    ['X-B', '3'],
    ['Connection', 'close'],
  ]);
  socket.destroy();
});

test('an HTTP/2 request keeps its pseudo-headers', async () => {
  await open();
  await askHttp2(standIn, { method: 'GET', path: '/x', host: 'example.test', headers: { 'x-b': '2' } });
  const names = standIn.requests[0]?.rawHeaders.map(([name]) => name);
  expect(names?.slice().sort()).toEqual([':authority', ':method', ':path', ':scheme', 'x-b']);
  expect(names?.at(-1)).toBe('x-b');
});

test('without http2 only HTTP/1.1 is offered', async () => {
  await open({ http2: false });
  const socket = await dial('chatgpt.com', ['h2', 'http/1.1']);
  expect(socket.alpnProtocol).toBe('http/1.1');
  socket.destroy();
});

test('each name gets a certificate of its own, under a root that can be a fresh one', async () => {
  await open({ freshRoot: true });
  const names = ['chatgpt.com', 'nobody-has-listed.example.test'];
  const sockets = await Promise.all(names.map((name) => dial(name)));
  expect(sockets.map((socket) => socket.getPeerCertificate().subjectaltname)).toEqual(
    names.map((name) => `DNS:${name}`),
  );
  for (const socket of sockets) socket.destroy();
});

test('a client that does not trust the root is told of as a TLS error', async () => {
  await open();
  const socket = connect({ port: standIn.port, host: '127.0.0.1', servername: 'chatgpt.com' });
  await once(socket, 'error');
  await standIn.waitFor(({ tlsErrors }) => tlsErrors.length > 0);
  expect(standIn.requests).toEqual([]);
});

test('a compressed event can be read before the next is sent', async () => {
  await open({ scenario: [text('Hello', { compress: 'gzip', delayMs: [0, 60_000] })] });
  const gunzip = createGunzip();
  const first = once(gunzip, 'data');
  const asked = askHttp1(standIn, { body, onChunk: (chunk) => void gunzip.write(chunk) });
  const [decoded] = (await first) as [Buffer];
  expect(typesOf(decoded)).toEqual(['response.created']);
  await standIn.close();
  await asked;
});

test('the wire can be chopped through events and characters', async () => {
  await open({ scenario: [text('Grüße, 世界!', { chunkBytes: 7 })] });
  const answer = await askHttp1(standIn, { body });
  expect(Buffer.concat(standIn.calls[0]?.sentChunks ?? [])).toEqual(answer.body);
  expect(standIn.calls[0]?.sentChunks.every(({ length }) => length <= 7)).toBe(true);
  expect(JSON.stringify(eventsOf(answer.body))).toContain('Grüße, 世界!');
});

test('every kind of item has ids of its own, and one response can hold many', async () => {
  const many = together(
    reasoning('Planning'),
    toolCall({ input: 'text(1)' }),
    functionCall({ name: 'wait_agent', namespace: 'collaboration', arguments: { seconds: 1 } }),
    webSearch('tapes'),
    text('Done', { fullOutput: true }),
  );
  await open({ scenario: [many, together(reasoning('Again'), compaction('opaque'))] });
  const first = eventsOf((await askHttp1(standIn, { body })).body);
  const done = first.filter(({ type }) => type === 'response.output_item.done').map(({ item }) => item);
  expect(done).toMatchObject([
    { type: 'reasoning', id: 'rs_1', summary: [{ type: 'summary_text', text: 'Planning' }] },
    {
      type: 'custom_tool_call',
      id: 'ctc_1',
      call_id: 'call_1',
      name: 'exec',
      namespace: 'functions',
      input: 'text(1)',
    },
    { type: 'function_call', id: 'fc_1', call_id: 'call_2', arguments: '{"seconds":1}' },
    { type: 'web_search_call', id: 'ws_1', action: { type: 'search', query: 'tapes' } },
    { type: 'message', id: 'msg_1', content: [{ type: 'output_text', text: 'Done' }] },
  ]);
  expect(first.at(-1)).toMatchObject({ response: { output: done } });
  const second = eventsOf((await askHttp1(standIn, { body })).body);
  const ids = second.filter(({ type }) => type === 'response.output_item.done').map(({ item }) => item);
  expect(ids).toMatchObject([{ id: 'rs_2' }, { id: 'cmp_1', encrypted_content: 'opaque' }]);
});

test('failed and incomplete responses end in their own event', async () => {
  await open({ scenario: [failed('server_error', 'It broke'), incomplete('max_output_tokens', { usage: null })] });
  expect(eventsOf((await askHttp1(standIn, { body })).body).at(-1)).toMatchObject({
    type: 'response.failed',
    response: { id: 'resp_1', status: 'failed', error: { code: 'server_error', message: 'It broke' } },
  });
  const last = eventsOf((await askHttp1(standIn, { body })).body).at(-1);
  expect(last).toMatchObject({
    type: 'response.incomplete',
    response: { status: 'incomplete', incomplete_details: { reason: 'max_output_tokens' } },
  });
  expect(last?.['response']).not.toHaveProperty('usage');
});

test('HTTP errors are answered with their status, headers and JSON', async () => {
  await open({
    scenario: [httpError(500, { error: { message: 'Down' } }, [['retry-after', '3']]), usageLimitReached()],
  });
  const down = await askHttp1(standIn, { body });
  expect(down.status).toBe(500);
  expect(headerValue(down.headers, 'retry-after')).toBe('3');
  expect(JSON.parse(down.body.toString())).toEqual({ error: { message: 'Down' } });
  const limit = await askHttp1(standIn, { body });
  expect(limit.status).toBe(429);
  expect(JSON.parse(limit.body.toString())).toMatchObject({ error: { type: 'usage_limit_reached' } });
});

test('events of any type go between created and completed, or alone', async () => {
  const odd = { type: 'response.not_documented', value: [1] };
  await open({ scenario: [events([odd]), onlyEvents([odd])] });
  const framed = eventsOf((await askHttp1(standIn, { body })).body);
  expect(framed.map(({ type }) => type)).toEqual(['response.created', odd.type, 'response.completed']);
  expect(framed[1]).toEqual(odd);
  expect(eventsOf((await askHttp1(standIn, { body })).body)).toEqual([odd]);
});

test('a scenario can be a function of the call, and sets titles and what is taken aside apart', async () => {
  await open({
    scenario: (call, index) => text(`${String(call.json()['model'])} ${index}`),
    aside: (call) => (call.metadata['agent_name'] === '/root/one' ? text('from the child') : null),
    title: 'Named',
  });
  const askWith = async (metadata: Record<string, unknown>): Promise<string | undefined> => {
    const headers = { 'x-codex-turn-metadata': JSON.stringify(metadata) };
    const answer = await askHttp1(standIn, { body, headers });
    const done = eventsOf(answer.body).find(({ type }) => type === 'response.output_item.done');
    const item = done?.['item'] as { readonly content: readonly [{ readonly text: string }] } | undefined;
    return item?.content[0].text;
  };
  expect(await askWith({ thread_source: 'thread_title' })).toBe('{"title":"Named"}');
  expect(await askWith({ agent_name: '/root' })).toBe('gpt-test 0');
  expect(await askWith({ agent_name: '/root/one' })).toBe('from the child');
  expect(await askWith({ agent_name: '/root', request_kind: 'compaction' })).toBe('gpt-test 1');
  expect(standIn.calls.map(({ kind, responseId }) => [kind, responseId])).toEqual([
    ['title', 'resp_t1'],
    ['turn', 'resp_1'],
    ['turn', 'resp_aside1'],
    ['compaction', 'resp_2'],
  ]);
});

test('after its last answer a scenario says that it has no more', async () => {
  await open();
  const answer = await askHttp1(standIn, { body });
  expect(answer.body.toString()).toContain(JSON.stringify(exhausted));
  expect(typesOf(answer.body).at(-1)).toBe('response.completed');
});

test('a call is read through its content-encoding', async () => {
  await open();
  const wire = await encodeBuffer(Buffer.from(body), 'zstd');
  await askHttp1(standIn, { body: wire, path: '/v1/responses', headers: { 'content-encoding': 'zstd' } });
  expect(standIn.calls[0]?.bodyBytes).toEqual(wire);
  expect(standIn.calls[0]?.text).toBe(body);
  expect(standIn.calls[0]?.json()).toEqual(JSON.parse(body));
});

test('a body that cannot be decoded is a 400 and no call, one that is no JSON is a call', async () => {
  await open();
  const broken = { body: 'no zstd', headers: { 'content-encoding': 'zstd' } };
  expect(await askHttp1(standIn, broken)).toMatchObject({ status: 400 });
  expect(await askHttp1(standIn, { body: 'no JSON' })).toMatchObject({ status: 200 });
  expect(standIn.calls).toMatchObject([{ text: 'no JSON', model: null, metadata: {}, kind: 'turn' }]);
});

test('Codex finds what it needs to set itself up', async () => {
  await open({ backendOrigin: 'https://eu.example.test' });
  const accounts = await askHttp2(standIn, {
    method: 'GET',
    path: '/backend-api/wham/accounts/check',
    headers: { 'chatgpt-account-id': 'acc-7' },
  });
  expect(JSON.parse(accounts.body.toString())).toMatchObject({
    accounts: [{ id: 'acc-7', workspace_backend_origin: 'https://eu.example.test' }],
    account_ordering: ['acc-7'],
  });
  expect(await askHttp2(standIn, { method: 'GET', path: '/backend-api/codex/models' })).toMatchObject({ status: 404 });
  const metrics = await askHttp2(standIn, { host: 'ab.chatgpt.com', path: '/otlp/v1/metrics', body: 'x' });
  expect(metrics.status).toBe(200);
});

test('a token refresh gives new tokens for the same account, or is refused', async () => {
  await open();
  const old = makeTokens();
  const refresh = {
    host: 'auth.openai.com',
    path: '/oauth/token',
    body: JSON.stringify({ grant_type: 'refresh_token', refresh_token: old.refreshToken }),
  };
  const answer = await askHttp1(standIn, refresh);
  const issued = standIn.issuedTokens[0];
  expect(issued?.accountId).toBe(old.accountId);
  expect(JSON.parse(answer.body.toString())).toEqual({
    id_token: issued?.idToken,
    access_token: issued?.accessToken,
    refresh_token: issued?.refreshToken,
  });
  expect(issued?.accessToken).not.toBe(old.accessToken);
  await standIn.close();
  await open({ refresh: 'refuse' });
  expect(await askHttp1(standIn, refresh)).toMatchObject({ status: 401 });
});

test('another host answers with a line, with as many bytes as asked for, or as the test says', async () => {
  await open({ routes: ({ path }) => (path === '/own' ? { status: 418, body: 'teapot' } : null) });
  const ask = (path: string) => askHttp1(standIn, { host: 'git.example.test', method: 'GET', path });
  expect((await ask('/info/refs?x=1')).body.toString()).toBe('GET /info/refs?x=1 at git.example.test\n');
  expect((await ask('/bytes/300000')).body).toHaveLength(300_000);
  expect(await ask('/own')).toMatchObject({ status: 418 });
});

test('tapes is led to the stand-in by its own options', async () => {
  await open({ hosts: ['git.example.test'] });
  const args = standIn.resolveArgs();
  expect(args.slice(0, 2)).toEqual(['--resolve', `chatgpt.com:443:127.0.0.1:${standIn.port}`]);
  expect(args).toContain(`git.example.test:443:127.0.0.1:${standIn.port}`);
  expect(args.slice(-2)).toEqual(['--upstream-ca', standIn.caFile]);
});

test('a wait in vain says what has come instead', async () => {
  await open();
  await askHttp1(standIn, { method: 'GET', path: '/backend-api/x' });
  await expect(standIn.waitFor(({ calls }) => calls.length > 0, 20)).rejects.toThrow(
    /20 ms in vain for \(\{ calls \}\).*1 requests and 0 calls:\nGET chatgpt.com\/backend-api\/x 404/s,
  );
});

async function dial(servername: string, ALPNProtocols?: string[]): Promise<TLSSocket> {
  const offer = ALPNProtocols === undefined ? {} : { ALPNProtocols };
  const socket = connect({
    port: standIn.port,
    host: '127.0.0.1',
    servername,
    ca: readFileSync(standIn.caFile),
    ...offer,
  });
  await once(socket, 'secureConnect');
  return socket;
}
