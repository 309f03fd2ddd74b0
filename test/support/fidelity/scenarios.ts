// What an HTTP/1.1 client and a provider can say to each other, in bytes. Each scenario is run straight and through tapes
// (test/integration/fidelity.test.ts), and both ends must see the same bytes and the same ends.
import { setTimeout as pause } from 'node:timers/promises';
import type { Scenario } from './both-ways.ts';
import type { Peer } from './peer.ts';

const crlf = '\r\n';
/** Lines, joined as HTTP has them, and the empty line behind a head. */
const head = (...lines: string[]): string => lines.join(crlf) + crlf + crlf;

const hostField = 'Host: chatgpt.com';
const get = (path = '/', ...fields: string[]): string => head(`GET ${path} HTTP/1.1`, hostField, ...fields);
const ok = (body = 'ok', ...fields: string[]): string =>
  head('HTTP/1.1 200 OK', ...fields, `Content-Length: ${body.length}`) + body;

/** One request, one answer; the connection stays open. */
function once(
  name: string,
  request: string,
  answer: string,
  requestEnd = crlf + crlf,
  answerEnd = answer.slice(-2),
): Scenario {
  return {
    name,
    async client(peer) {
      await peer.write(request);
      await peer.until(answerEnd);
    },
    async upstream(peer) {
      await peer.until(requestEnd);
      await peer.write(answer);
    },
  };
}

const request = (name: string, text: string, end?: string): Scenario => once(name, text, ok(), end);
const response = (name: string, text: string, end = 'ok'): Scenario => once(name, get(), text, undefined, end);
/** Answers that have no body: something must come after them to know that they have come. */
function bodiless(name: string, method: string, answer: string): Scenario {
  return {
    name,
    async client(peer) {
      await peer.write(head(`${method} /first HTTP/1.1`, hostField));
      await peer.until(crlf + crlf);
      await peer.write(get('/second'));
      await peer.until('second answer');
    },
    async upstream(peer) {
      await peer.until(crlf + crlf);
      await peer.write(answer);
      await peer.until(crlf + crlf);
      await peer.write(ok('second answer'));
    },
  };
}

const chunked = (...parts: string[]): string =>
  parts.map((part) => `${part.length.toString(16)}${crlf}${part}${crlf}`).join('');

const requests: Scenario[] = [
  request('request line: a plain GET', get('/backend-api/codex/models?client_version=1')),
  ...['OPTIONS', 'PUT', 'PATCH', 'DELETE', 'PROPFIND', 'M-SEARCH', 'PURGE', 'QUERY', 'TRACE'].map((method) =>
    request(
      `method: ${method}`,
      head(
        `${method} /x HTTP/1.1`,
        hostField,
        ...(['GET', 'TRACE', 'OPTIONS', 'PROPFIND', 'M-SEARCH', 'PURGE'].includes(method) ? [] : ['Content-Length: 0']),
      ),
    ),
  ),
  request('method: DELETE without length', head('DELETE /x HTTP/1.1', hostField)),
  request('method: POST without length', head('POST /x HTTP/1.1', hostField)),
  request('method: GET with a body', get('/x', 'Content-Length: 4') + 'body', 'body'),
  ...[
    '/a//b/../c/./d',
    '/%7Euser/%2e%2e/%2F?q=%20+%2B',
    "/!$&'()*+,;=:@-._~",
    '/a?',
    '/a?b?c=/?&&=',
    '/?x[]=1&y={z}|w',
    '/with"quotes"<and>^`backtick`',
    '/a\\b',
    '/path;param=1',
    '/a#fragment',
    '//double/host-like',
    '/caf\u00e9',
    `/${'long/'.repeat(3_000)}`,
  ].map((path) => request(`path: ${path.length > 60 ? `${path.length} characters` : path}`, get(path))),
  request('path: *', head('OPTIONS * HTTP/1.1', hostField)),
  request('path: absolute form', get('https://chatgpt.com/absolute?x=1')),
  request(
    'header names: order, casing, duplicates',
    get(
      '/',
      'X-One: 1',
      'x-two: 2',
      'X-ONE: 3',
      'ACCEPT: */*',
      'accept: text/plain',
      'cookie: a=1',
      'Cookie: b=2',
      'x-TWO: 4',
    ),
  ),
  request('header values: empty', get('/', 'X-Empty:', 'X-Blank: ', 'X-After: 1')),
  request(
    'header values: spaces around and inside',
    get('/', 'X-None:1', 'X-Many:    2   ', 'X-Tab:\t3\t', 'X-In:  a   b '),
  ),
  request('header values: bytes above 127', get('/', 'X-Latin: caf\u00e9 \u00ff', 'X-Utf8: \u00e6\u0097\u00a5')),
  request('header values: of 200 kB', get('/', `X-Long: ${'x'.repeat(200_000)}`)),
  request('header fields: 2,500', get('/', ...Array.from({ length: 2_500 }, (_, at) => `X-F${at}: ${at}`))),
  request('header fields: Host last, in capitals', head('GET / HTTP/1.1', 'X-First: 1', 'HOST: chatgpt.com')),
  request('header fields: Host with a port', head('GET / HTTP/1.1', 'Host: chatgpt.com:443')),
  request('header fields: another Host than the connection', head('GET / HTTP/1.1', 'Host: other.example')),
  request('header fields: no Host', head('GET / HTTP/1.1', 'X-A: 1')),
  request(
    'header fields: hop by hop',
    get(
      '/',
      'TE: trailers',
      'Keep-Alive: timeout=5',
      'Proxy-Connection: keep-alive',
      'Connection: keep-alive, x-mine',
      'X-Mine: 1',
    ),
  ),
  request('Connection: keep-alive from the client', get('/', 'Connection: keep-alive')),
  request('Connection: none from the client', get('/')),
  request('HTTP/1.0 request', head('GET / HTTP/1.0', hostField)),
  request(
    'body: with a length',
    head('POST / HTTP/1.1', hostField, 'Content-Length: 11') + 'hello\0\u00ff\r\n\r\n',
    '\u00ff\r\n\r\n',
  ),
  request(
    'body: chunked, its chunks as they were',
    head('POST / HTTP/1.1', hostField, 'Transfer-Encoding: chunked') +
      chunked('one', 'two two', 'three') +
      `0${crlf}${crlf}`,
    `0${crlf}${crlf}`,
  ),
  request(
    'body: chunked and empty',
    head('POST / HTTP/1.1', hostField, 'Transfer-Encoding: chunked') + `0${crlf}${crlf}`,
    `0${crlf}${crlf}`,
  ),
  request(
    'body: chunked with extensions',
    head('POST / HTTP/1.1', hostField, 'Transfer-Encoding: chunked') + `3;a=b${crlf}one${crlf}0;c${crlf}${crlf}`,
    `c${crlf}${crlf}`,
  ),
  request(
    'body: chunked with capitals in the length',
    head('POST / HTTP/1.1', hostField, 'Transfer-Encoding: Chunked') + `0A${crlf}0123456789${crlf}0${crlf}${crlf}`,
    `0${crlf}${crlf}`,
  ),
  request(
    'trailers of a request',
    head('POST / HTTP/1.1', hostField, 'Transfer-Encoding: chunked', 'Trailer: X-Sum, X-Other') +
      chunked('one') +
      `0${crlf}X-Sum: 1${crlf}x-OTHER: 2${crlf}${crlf}`,
    `0${crlf}X-Sum: 1${crlf}x-OTHER: 2${crlf}${crlf}`,
  ),
];

const responses: Scenario[] = [
  response('status and reason: 200 OK', ok()),
  ...[
    'HTTP/1.1 200 ',
    'HTTP/1.1 200',
    'HTTP/1.1 200 Fine, thank you',
    'HTTP/1.1 299 Odd',
    'HTTP/1.1 404 caf\u00e9',
    'HTTP/1.1 418',
    'HTTP/1.1 503 Slow Down',
    'HTTP/1.1 599 X',
    'HTTP/1.1 999 Denied',
  ].map((line) => response(`status and reason: "${line.slice(9)}"`, head(line, 'Content-Length: 2') + 'ok')),
  response(
    'response headers: order, casing, duplicates',
    ok(
      'ok',
      'Set-Cookie: a=1',
      'X-A: 1',
      'set-cookie: b=2',
      'x-b: 2',
      'X-A: 3',
      'DATE: Thu, 01 Jan 1970 00:00:00 GMT',
      'VIA: 1.1 x',
    ),
  ),
  response(
    'response headers: empty, spaces, bytes above 127',
    ok('ok', 'X-Empty:', 'X-None:1', 'X-Many:   2  ', 'X-Latin: caf\u00e9'),
  ),
  response('response headers: of 200 kB', ok('ok', `X-Long: ${'x'.repeat(200_000)}`)),
  response('response headers: 2,500', ok('ok', ...Array.from({ length: 2_500 }, (_, at) => `X-F${at}: ${at}`))),
  response('response headers: Keep-Alive', ok('ok', 'Connection: keep-alive', 'Keep-Alive: timeout=5, max=100')),
  response('response headers: folded', ok('ok', 'X-Folded: a\r\n  b')),
  response('response headers: odd names and values', ok('ok', 'X_Under.score: 1', 'X-Esc: a\u0001b')),
  response(
    'response body: chunked, its chunks as they were',
    head('HTTP/1.1 200 OK', 'Transfer-Encoding: chunked') + chunked('one', 'two two', 'three') + `0${crlf}${crlf}`,
    `0${crlf}${crlf}`,
  ),
  response(
    'response body: chunked with extensions',
    head('HTTP/1.1 200 OK', 'Transfer-Encoding: chunked') + `3;a=b${crlf}one${crlf}0${crlf}${crlf}`,
    `0${crlf}${crlf}`,
  ),
  response('response body: of no bytes', head('HTTP/1.1 200 OK', 'Content-Length: 0'), crlf + crlf),
  response(
    'trailers of a response',
    head('HTTP/1.1 200 OK', 'Transfer-Encoding: chunked', 'Trailer: X-Sum, X-Other') +
      chunked('one') +
      `0${crlf}X-Sum: 1${crlf}x-OTHER: 2${crlf}${crlf}`,
    `0${crlf}X-Sum: 1${crlf}x-OTHER: 2${crlf}${crlf}`,
  ),
  response(
    'trailers that were not announced',
    head('HTTP/1.1 200 OK', 'Transfer-Encoding: chunked') + chunked('one') + `0${crlf}grpc-status: 0${crlf}${crlf}`,
    `0${crlf}grpc-status: 0${crlf}${crlf}`,
  ),
  bodiless('HEAD with a length', 'HEAD', head('HTTP/1.1 200 OK', 'Content-Length: 1234')),
  bodiless('HEAD with chunked', 'HEAD', head('HTTP/1.1 200 OK', 'Transfer-Encoding: chunked')),
  bodiless('HEAD without a length', 'HEAD', head('HTTP/1.1 200 OK', 'X-A: 1')),
  bodiless('204', 'GET', head('HTTP/1.1 204 No Content', 'X-A: 1')),
  bodiless('204 with a length', 'GET', head('HTTP/1.1 204 No Content', 'Content-Length: 0')),
  bodiless('304 with a length', 'GET', head('HTTP/1.1 304 Not Modified', 'ETag: "x"', 'Content-Length: 1234')),
  bodiless('304 without a length', 'GET', head('HTTP/1.1 304 Not Modified', 'ETag: "x"')),
  response('1xx: 102, with headers', head('HTTP/1.1 102 Processing', 'X-A: 1') + ok()),
  response(
    '1xx: 103 early hints, twice',
    head('HTTP/1.1 103 Early Hints', 'Link: </a>; rel=preload', 'Link: </b>') +
      head('HTTP/1.1 103 Early Hints', 'Link: </c>') +
      ok(),
  ),
  response('1xx: 100 that nobody asked for', head('HTTP/1.1 100 Continue') + ok()),
  response('1xx: 199 with an odd reason', head('HTTP/1.1 199 Nearly there') + ok()),
];

/** The provider ends the connection after its answer. */
function closing(name: string, answer: string, request_ = get()): Scenario {
  return {
    name,
    async client(peer) {
      await peer.write(request_);
      await peer.ended(2_000);
    },
    async upstream(peer) {
      await peer.until(crlf + crlf);
      await peer.write(answer);
      peer.end();
    },
  };
}

const afterHead = async (peer: Peer): Promise<void> => peer.until(crlf + crlf);

const connections: Scenario[] = [
  closing('end by close: HTTP/1.0 answer without a length', head('HTTP/1.0 200 OK', 'X-A: 1') + 'until the end'),
  closing(
    'end by close: HTTP/1.1 answer without a length',
    head('HTTP/1.1 200 OK', 'Connection: close') + 'until the end',
  ),
  closing('end by close: without Connection: close', head('HTTP/1.1 200 OK', 'X-A: 1') + 'until the end'),
  closing('Connection: close from the provider', ok('ok', 'Connection: close')),
  closing('the provider ends the connection, and did not say so', ok('ok')),
  closing('Connection: close from the client', ok('ok', 'Connection: close'), get('/', 'Connection: close')),
  {
    ...closing('Connection: close from the client alone: both sides end', ok('ok'), get('/', 'Connection: close')),
  },
  {
    name: 'keep-alive: three requests on one connection',
    async client(peer) {
      for (const path of ['/1', '/2', '/3']) {
        await peer.write(get(path, 'Connection: keep-alive'));
        await peer.until(`answer ${path}`);
      }
    },
    async upstream(peer) {
      for (const path of ['/1', '/2', '/3']) {
        await afterHead(peer);
        await peer.write(ok(`answer ${path}`));
      }
    },
  },
  {
    name: 'keep-alive: idle for a second, and then used again',
    async client(peer) {
      await peer.write(get('/1'));
      await peer.until('answer 1');
      await pause(1_000);
      await peer.write(get('/2'));
      await peer.until('answer 2');
    },
    async upstream(peer) {
      await afterHead(peer);
      await peer.write(ok('answer 1'));
      await afterHead(peer);
      await peer.write(ok('answer 2'));
    },
  },
  {
    name: 'keep-alive: the provider ends an idle connection',
    async client(peer) {
      await peer.write(get('/1'));
      await peer.until('answer 1');
      await peer.ended(2_000);
    },
    async upstream(peer) {
      await afterHead(peer);
      await peer.write(ok('answer 1'));
      await pause(50);
      peer.end();
    },
  },
  {
    name: 'pipelining: three requests in one write',
    async client(peer) {
      await peer.write(get('/1') + get('/2') + get('/3'));
      await peer.until('answer 3');
    },
    async upstream(peer) {
      for (const at of [1, 2, 3]) {
        await afterHead(peer);
        await peer.write(ok(`answer ${at}`));
      }
    },
  },
  {
    name: '100-continue: asked for, given, and only then the body',
    async client(peer) {
      await peer.write(head('POST / HTTP/1.1', hostField, 'Expect: 100-continue', 'Content-Length: 4'));
      await peer.until(crlf + crlf);
      await peer.write('body');
      await peer.until('ok');
    },
    async upstream(peer) {
      await afterHead(peer);
      await pause(200);
      await peer.write(head('HTTP/1.1 100 Continue'));
      await peer.until('body');
      await peer.write(ok());
    },
  },
  {
    name: '100-continue: refused with 417, and no body is sent',
    async client(peer) {
      await peer.write(head('POST / HTTP/1.1', hostField, 'Expect: 100-continue', 'Content-Length: 4'));
      await peer.until('no');
    },
    async upstream(peer) {
      await afterHead(peer);
      await pause(200);
      await peer.write(head('HTTP/1.1 417 Expectation Failed', 'Content-Length: 2') + 'no');
    },
  },
  {
    name: '100-continue: not waited for',
    async client(peer) {
      await peer.write(head('POST / HTTP/1.1', hostField, 'Expect: 100-continue', 'Content-Length: 4') + 'body');
      await peer.until('ok');
    },
    async upstream(peer) {
      await peer.until('body');
      await peer.write(ok());
    },
  },
  {
    name: 'early response: complete before the request is, which then goes on',
    async client(peer) {
      await peer.write(head('POST / HTTP/1.1', hostField, 'Content-Length: 10') + '01234');
      await peer.until('too large');
      await peer.write('56789');
      await pause(300);
      await peer.write(get('/next'));
      await peer.until('answer to the next');
    },
    async upstream(peer) {
      await peer.until('01234');
      await peer.write(head('HTTP/1.1 413 Payload Too Large', 'Content-Length: 9') + 'too large');
      await peer.until('56789');
      await peer.until(crlf + crlf);
      await peer.write(ok('answer to the next'));
    },
  },
  {
    name: 'early response: and the provider ends the connection',
    async client(peer) {
      await peer.write(head('POST / HTTP/1.1', hostField, 'Content-Length: 10') + '01234');
      await peer.ended(2_000);
    },
    async upstream(peer) {
      await peer.until('01234');
      await peer.write(head('HTTP/1.1 413 Payload Too Large', 'Connection: close', 'Content-Length: 9') + 'too large');
      peer.end();
    },
  },
  {
    name: 'early response: begins before the request is complete, ends after it',
    async client(peer) {
      await peer.write(head('POST / HTTP/1.1', hostField, 'Transfer-Encoding: chunked') + chunked('one'));
      await peer.until('first');
      await peer.write(`${chunked('two')}0${crlf}${crlf}`);
      await peer.until(`0${crlf}${crlf}`);
    },
    async upstream(peer) {
      await peer.until('one');
      await peer.write(head('HTTP/1.1 200 OK', 'Transfer-Encoding: chunked') + chunked('first'));
      await peer.until(`0${crlf}${crlf}`);
      await peer.write(`${chunked('last')}0${crlf}${crlf}`);
    },
  },
  {
    name: 'half-close: the client ends its half after the request, and the answer still comes',
    async client(peer) {
      await peer.write(get('/'));
      peer.end();
      await peer.until('late answer');
      await peer.ended(2_000);
    },
    async upstream(peer) {
      await afterHead(peer);
      await pause(200);
      await peer.write(ok('late answer'));
      peer.end();
    },
  },
  {
    name: 'half-close: the provider sees that the client ended its half',
    async client(peer) {
      await peer.write(get('/'));
      peer.end();
      await peer.ended(3_000);
    },
    async upstream(peer) {
      await afterHead(peer);
      await peer.ended(1_000);
      await peer.write(ok('late answer'));
      peer.end();
    },
  },
  {
    name: 'half-close: the provider ends its half in the middle of a request',
    async client(peer) {
      await peer.write(head('POST / HTTP/1.1', hostField, 'Content-Length: 10') + '01234');
      await peer.ended(2_000);
    },
    async upstream(peer) {
      await peer.until('01234');
      peer.end();
    },
  },
  {
    name: 'the client hangs up in the middle of an answer',
    async client(peer) {
      await peer.write(get('/'));
      await peer.until('first');
      peer.destroy();
      await peer.ended();
    },
    async upstream(peer) {
      await afterHead(peer);
      await peer.write(head('HTTP/1.1 200 OK', 'Content-Length: 100') + 'first');
      await peer.ended(2_000);
    },
  },
  {
    name: 'the client resets in the middle of an answer',
    async client(peer) {
      await peer.write(get('/'));
      await peer.until('first');
      peer.reset();
    },
    async upstream(peer) {
      await afterHead(peer);
      await peer.write(head('HTTP/1.1 200 OK', 'Content-Length: 100') + 'first');
      await peer.ended(2_000);
    },
  },
  {
    name: 'the client hangs up in the middle of a request',
    async client(peer) {
      await peer.write(head('POST / HTTP/1.1', hostField, 'Content-Length: 10') + '01234');
      await pause(200);
      peer.destroy();
      await peer.ended();
    },
    async upstream(peer) {
      await peer.until('01234');
      await peer.ended(2_000);
    },
  },
];

/** The provider breaks the connection. */
function breaking(name: string, answer: string, how: 'end' | 'reset'): Scenario {
  return {
    name,
    async client(peer) {
      await peer.write(get());
      await peer.ended(3_000);
    },
    async upstream(peer) {
      await afterHead(peer);
      if (answer !== '') await peer.write(answer);
      // What was written has left before the reset takes the connection.
      await pause(100);
      if (how === 'end') peer.end();
      else peer.reset();
    },
  };
}

const failures: Scenario[] = [
  breaking('reset before the headers', '', 'reset'),
  breaking('ended before the headers', '', 'end'),
  breaking('reset in the middle of the headers', 'HTTP/1.1 200 OK\r\nX-A', 'reset'),
  breaking('ended in the middle of the headers', 'HTTP/1.1 200 OK\r\nX-A', 'end'),
  breaking('reset after the headers', head('HTTP/1.1 200 OK', 'Content-Length: 10'), 'reset'),
  breaking('ended after the headers', head('HTTP/1.1 200 OK', 'Content-Length: 10'), 'end'),
  breaking('reset in the middle of a body', head('HTTP/1.1 200 OK', 'Content-Length: 10') + '01234', 'reset'),
  breaking('ended in the middle of a body', head('HTTP/1.1 200 OK', 'Content-Length: 10') + '01234', 'end'),
  breaking(
    'reset in the middle of a chunked body',
    head('HTTP/1.1 200 OK', 'Transfer-Encoding: chunked') + chunked('one'),
    'reset',
  ),
  breaking(
    'ended in the middle of a chunked body',
    head('HTTP/1.1 200 OK', 'Transfer-Encoding: chunked') + chunked('one'),
    'end',
  ),
  breaking('an answer that is not HTTP', 'SSH-2.0-OpenSSH_9.2\r\n', 'end'),
  {
    name: 'slow: an answer that comes after a second',
    async client(peer) {
      await peer.write(get());
      await peer.until('ok');
    },
    async upstream(peer) {
      await afterHead(peer);
      await pause(1_000);
      await peer.write(ok());
    },
  },
  {
    name: 'never answering: the client waits, and hangs up',
    async client(peer) {
      await peer.write(get());
      await peer.ended(1_000);
      peer.destroy();
      await peer.ended();
    },
    async upstream(peer) {
      await afterHead(peer);
      await peer.ended(3_000);
    },
  },
];

/** For a provider that fails by itself. */
export const plainGet: Scenario = response('a plain GET', ok());

export const scenarios: readonly Scenario[] = [...requests, ...responses, ...connections, ...failures];
