// What a provider can say to a WebSocket upgrade, in bytes, and what becomes of the connection (test/integration/fidelity.test.ts).
import type { Scenario } from './both-ways.ts';

const crlf = '\r\n';
const head = (...lines: string[]): string => lines.join(crlf) + crlf + crlf;

/** As Codex writes it, in its casing; of a path that tapes does not refuse itself. */
const upgrade = head(
  'GET /backend-api/realtime?x=1 HTTP/1.1',
  'Host: chatgpt.com',
  'Connection: Upgrade',
  'Upgrade: websocket',
  'Sec-WebSocket-Version: 13',
  'Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==',
  'sec-websocket-extensions: permessage-deflate; client_max_window_bits',
  'AUTHORIZATION: Bearer of-the-upgrade',
);

const closed = (name: string, ...answer: readonly string[]): Scenario => ({
  name: `a refused upgrade: ${name}`,
  async client(peer) {
    await peer.write(upgrade);
    await peer.ended();
  },
  async upstream(peer) {
    await peer.until(crlf + crlf);
    for (const part of answer) await peer.write(part);
    peer.end();
  },
});

/** The connection is used again. */
const kept = (name: string, answer: string, end: string): Scenario => ({
  name: `a refused upgrade: ${name}`,
  async client(peer) {
    await peer.write(upgrade);
    await peer.until(end);
    await peer.write(head('GET /second HTTP/1.1', 'Host: chatgpt.com'));
    await peer.until('second answer');
  },
  async upstream(peer) {
    await peer.until(crlf + crlf);
    await peer.write(answer);
    await peer.until(crlf + crlf);
    await peer.write(head('HTTP/1.1 200 OK', 'Content-Length: 13') + 'second answer');
  },
});

const sized = (status: string, body: string, ...fields: readonly string[]): string =>
  head(`HTTP/1.1 ${status}`, ...fields, `content-length: ${body.length}`) + body;

export const upgradeScenarios: readonly Scenario[] = [
  kept(
    '401, with a body',
    sized('401 Unauthorized', '{"detail":"no"}', 'WWW-Authenticate: Bearer', 'x-B: 1', 'X-a: 2'),
    '}',
  ),
  kept(
    '403, in chunks',
    head('HTTP/1.1 403 Forbidden', 'Transfer-Encoding: chunked') + '3;a=b\r\nno \r\n02\r\nno\r\n0\r\n\r\n',
    '0\r\n\r\n',
  ),
  kept('426 of its own', sized('426 Upgrade Required', 'here: h2', 'Upgrade: h2c', 'Connection: Upgrade'), 'h2'),
  kept('503, with a reason of its own', sized('503 Too much  today \u00e9', 'later', 'Retry-After: 7'), 'later'),
  kept('200', sized('200 OK', 'hello'), 'hello'),
  kept('no reason, no body', head('HTTP/1.1 404 ', 'Content-Length: 0'), crlf + crlf),
  kept('behind a 103', head('HTTP/1.1 103 Early Hints', 'Link: </x>') + sized('401 Unauthorized', 'no'), 'no'),
  closed(
    'HTTP/1.0, until the end',
    head('HTTP/1.0 502 Bad Gateway', 'Set-Cookie: a=1', 'Set-Cookie: b=2'),
    'one ',
    'two',
  ),
  closed('cut in its body', head('HTTP/1.1 500 Oops', 'Content-Length: 100') + 'half'),
  closed('something else than HTTP', 'what is this?'),
  closed('nothing at all'),
  closed('byte by byte', ...sized('401 Unauthorized', 'no'.repeat(9)).split('')),
  {
    name: 'a refused upgrade: a reset',
    async client(peer) {
      await peer.write(upgrade);
      await peer.ended();
    },
    async upstream(peer) {
      await peer.until(crlf + crlf);
      peer.reset();
    },
  },
  {
    name: 'an upgrade that its client gives up',
    async client(peer) {
      await peer.write(upgrade);
      await peer.until('HTTP/1.1 100');
      peer.end();
    },
    async upstream(peer) {
      await peer.until(crlf + crlf);
      await peer.write(head('HTTP/1.1 100 Continue'));
      await peer.ended();
    },
  },
  {
    name: 'an upgrade behind another request on its connection',
    async client(peer) {
      await peer.write(head('GET /first HTTP/1.1', 'Host: chatgpt.com'));
      await peer.until('first');
      await peer.write(upgrade);
      await peer.until('second');
    },
    async upstream(peer) {
      await peer.until(crlf + crlf);
      await peer.write(sized('200 OK', 'first'));
      await peer.until(crlf + crlf);
      await peer.write(sized('401 Unauthorized', 'second'));
    },
  },
];
