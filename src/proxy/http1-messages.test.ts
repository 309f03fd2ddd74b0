import { describe, expect, it } from 'vitest';
import { chunkings } from '../../test/support/chunks.ts';
import { readRequests, readResponses, type Http1Event, type Http1Reader } from './http1-messages.ts';

/** Heads as their first line with the number of fields, bodies as text, ends. */
function told(events: readonly Http1Event[]): string[] {
  const lines: string[] = [];
  for (const event of events) {
    if (event.type === 'head') lines.push(`${event.head.line.join(' ')} +${event.head.headers.length}`);
    else if (event.type === 'end') lines.push('end');
    else if (lines.at(-1)?.startsWith('> ')) lines.push(`${lines.pop()}${event.data.toString('latin1')}`);
    else lines.push(`> ${event.data.toString('latin1')}`);
  }
  return lines;
}

function readAll(reader: Http1Reader, text: string): string[] {
  const events = reader.push(Buffer.from(text, 'latin1'));
  return told([...events, ...reader.end()]);
}

const requests = [
  '\r\nGET /a HTTP/1.1\r\nHost: x\r\nX-Empty:\r\n\r\n',
  'POST /b HTTP/1.1\r\nContent-Length: 5\r\n\r\nhello',
  'POST /c HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n5;x=y\r\nworld\r\nA\r\n0123456789\r\n00000002\r\nab\r\n1 \r\nc\n1b\r\nabcdefghijklmnopqrstuvwxyz.\r\n3\ndef\r\n0\r\nX-Sum: 1\r\n\r\n',
  'GET /d e HTTP/1.1\r\n\r\n',
].join('');
const found = [
  'GET /a HTTP/1.1 +2',
  'end',
  'POST /b HTTP/1.1 +1',
  '> hello',
  'end',
  'POST /c HTTP/1.1 +1',
  '> world0123456789abcabcdefghijklmnopqrstuvwxyz.def',
  'end',
  'GET /d e HTTP/1.1 +0',
  'end',
];

describe('requests on one connection', () => {
  it.each(chunkings(Buffer.from(requests)))('are read the same however they are cut: $name', ({ chunks }) => {
    const reader = readRequests();
    const events = chunks.flatMap((chunk) => reader.push(Buffer.from(chunk)));
    expect(told(events)).toEqual(found);
    expect(reader.isBetween()).toBe(true);
  });

  it('have their values without the space around them, and folded lines joined', () => {
    const [event] = readRequests().push(
      Buffer.from('GET / HTTP/1.1\r\nA: \t x y \r\nB:1\r\nC: a\r\n  b\r\nD: \u00e9\r\n\r\n', 'latin1'),
    );
    expect(event?.type === 'head' && event.head.headers).toEqual([
      ['A', 'x y'],
      ['B', '1'],
      ['C', 'a b'],
      ['D', '\u00e9'],
    ]);
  });

  it.each([
    'GET /\r\n\r\n',
    'GET / HTTP/1.1\r\nno colon\r\n\r\n',
    'POST / HTTP/1.1\r\nContent-Length: -1\r\n\r\n',
    'POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n1\r\nabc\r\n0\r\n\r\n',
  ])('that make no sense are the last that is read: %j', (text) => {
    const reader = readRequests();
    reader.push(Buffer.from(text));
    expect(reader.isLost()).toBe(true);
    expect(reader.push(Buffer.from('GET / HTTP/1.1\r\n\r\n'))).toEqual([]);
  });

  it('are no longer read when a head has no end, and nothing of it is kept', () => {
    const reader = readRequests();
    const kilobytes = Buffer.from(`${'x'.repeat(1022)}\r\n`);
    let count = 0;
    for (; !reader.isLost() && count < 2_000; count += 1) reader.push(kilobytes);
    expect(count).toBeLessThanOrEqual(1_025);
  });
});

describe('responses', () => {
  it('have no body where the request was a HEAD, or the status has none', () => {
    const methods = ['HEAD', 'GET', 'GET', 'GET'];
    const reader = readResponses(() => methods.shift() ?? null);
    expect(
      readAll(
        reader,
        'HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nHTTP/1.1 204 No Content\r\n\r\nHTTP/1.1 304 Not Modified\r\nContent-Length: 9\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok',
      ),
    ).toEqual([
      'HTTP/1.1 200 OK +1',
      'end',
      'HTTP/1.1 204 No Content +0',
      'end',
      'HTTP/1.1 304 Not Modified +1',
      'end',
      'HTTP/1.1 200 OK +1',
      '> ok',
      'end',
    ]);
  });

  it('that are not the last (1xx) are followed by another head', () => {
    expect(
      readAll(
        readResponses(() => 'GET'),
        'HTTP/1.1 103 Early Hints\r\nLink: x\r\n\r\nHTTP/1.1 200\r\nContent-Length: 0\r\n\r\n',
      ),
    ).toEqual(['HTTP/1.1 103 Early Hints +1', 'HTTP/1.1 200  +1', 'end']);
  });

  it('without a length end with the connection', () => {
    expect(
      readAll(
        readResponses(() => 'GET'),
        'HTTP/1.0 200 OK\r\n\r\nuntil the end',
      ),
    ).toEqual(['HTTP/1.0 200 OK +0', '> until the end', 'end']);
  });
});
