import { describe, expect, it } from 'vitest';
import { judgeUpgradeAnswer, readUpgrade } from './upgrade-request.ts';

const crlf = '\r\n';
const request = (...fields: string[]): Buffer =>
  Buffer.from(['GET /socket?a=1 HTTP/1.1', 'Host: chatgpt.com', ...fields, '', ''].join(crlf));
const asks = ['Connection: Upgrade', 'Upgrade: WebSocket', 'Sec-WebSocket-Key: x'];

describe('an upgrade that the relay asks for itself', () => {
  it('is one to a WebSocket, with what is needed to know it again', () => {
    expect(readUpgrade(request(...asks))).toEqual({
      path: '/socket?a=1',
      headers: [['Host', 'chatgpt.com'], ...asks.map((field) => field.split(': '))],
    });
  });

  it.each([
    ['another protocol', ['Upgrade: h2c']],
    ['two protocols', ['Upgrade: websocket, h2c']],
    ['a body', [...asks, 'Content-Length: 3']],
    ['a body in chunks', [...asks, 'Transfer-Encoding: chunked']],
    ['an extension that the engine does not know', [...asks, 'Sec-WebSocket-Extensions: permessage-deflate, x-mux']],
  ])('is none with %s', (_, fields) => {
    expect(readUpgrade(request(...fields))).toBeNull();
  });

  it('may offer compression', () => {
    expect(
      readUpgrade(request(...asks, 'Sec-WebSocket-Extensions: permessage-deflate; client_max_window_bits')),
    ).not.toBeNull();
  });
});

describe('the answer to an upgrade', () => {
  const hints = 'HTTP/1.1 103 Early Hints\r\nLink: </x>\r\n\r\n';

  it.each([
    ['HTTP/1.1 101 Switching Protocols\r\n', 'accepted', 0],
    ['HTTP/1.1 401 ', 'other', 0],
    ['HTTP/1.0 200 OK', 'other', 0],
    ['SSH-2.0-x', 'other', 0],
    [`${hints}HTTP/1.1 101 S`, 'accepted', hints.length],
    [`${hints}HTTP/1.1 403 F`, 'other', hints.length],
    [hints, null, hints.length],
    [hints.slice(0, -1), null, 0],
  ] as const)('%j is %s', (text, verdict, provisionalBytes) => {
    expect(judgeUpgradeAnswer(Buffer.from(text))).toEqual({ verdict, provisionalBytes });
    // Whatever pieces it comes in, no earlier one says something else.
    for (let end = 0; end < text.length; end += 1) {
      expect([null, verdict]).toContain(judgeUpgradeAnswer(Buffer.from(text.slice(0, end))).verdict);
    }
  });
});
