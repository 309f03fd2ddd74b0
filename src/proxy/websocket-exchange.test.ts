import { constants, deflateRawSync } from 'node:zlib';

import { describe, expect, it } from 'vitest';

import { chunkings } from '../../test/support/chunks.ts';
import { frame, message } from '../../test/support/websocket-frames.ts';
import type { WireEvent } from '../domain/index.ts';
import { tellWebSocket, type WebSocketExchange } from './websocket-exchange.ts';
import { maxMessageBytes } from './websocket-frames.ts';

const mask = Buffer.from('37fa213d', 'hex');
const request = { method: 'GET', scheme: 'wss', host: 'h', port: 443, path: '/', httpVersion: '1.1', headers: [], client: null } as const; // prettier-ignore

/** Events as lines, and the exchange that they come from. */
function open(extensions: string | null): { socket: WebSocketExchange; told: string[]; settled: () => Promise<void> } {
  const told: string[] = [];
  const headers = extensions === null ? [] : ([['Sec-WebSocket-Extensions', extensions]] as const);
  const response = { status: 101, reason: 'Switching Protocols', headers };
  const socket = tellWebSocket({ exchangeId: 'x', request, response }, (event) => {
    const say = event as Omit<WireEvent, 'at' | 'mono'> as WireEvent;
    if (say.type === 'socketMessage') {
      const text = Buffer.from(say.data).toString('latin1');
      told.push(`${say.from}${say.isBinary ? ' 0x' : ''}: ${text.length > 80 ? `${text.length} bytes` : text}`);
    } else if (say.type === 'socketMissed') told.push(`${say.from} missed ${say.bytes}: ${say.why}`);
    else if (say.type === 'socketClosed') told.push(`closed ${say.code} ${say.reason}`.trim());
  });
  const settled = async (): Promise<void> => {
    while (socket.isBusy()) await new Promise((resolve) => setImmediate(resolve));
  };
  return { socket, told, settled };
}

/** Compressed as one side of a connection does: `window` is what it said before. */
function deflate(text: string | Buffer, window: Buffer = Buffer.alloc(0)): Buffer {
  const options = { finishFlush: constants.Z_SYNC_FLUSH, ...(window.length === 0 ? {} : { dictionary: window }) };
  return deflateRawSync(text, options).subarray(0, -4);
}

describe('a WebSocket that passes', () => {
  const said = Buffer.concat([
    message('hello', { mask }),
    frame({ opcode: 9, payload: 'ping', mask }),
    Buffer.concat([
      frame({ opcode: 1, payload: 'in ', isLast: false, mask }),
      frame({ opcode: 10, payload: 'pong', mask }),
      frame({ opcode: 0, payload: 'parts', mask }),
    ]),
    message(Buffer.from([0xff, 0x00]), { isBinary: true, mask }),
    message('', { mask }),
    message('x'.repeat(70_000), { mask, partBytes: 66_000 }),
    frame({ opcode: 8, payload: Buffer.concat([Buffer.of(0x03, 0xe8), Buffer.from('enough')]), mask }),
  ]);

  it.each(chunkings(said))('is told in messages, however it is cut: $name', ({ chunks }) => {
    const { socket, told } = open(null);
    const before = Buffer.from(said);
    for (const chunk of chunks) socket.passed('agent', Buffer.from(chunk));
    socket.close();
    expect(told).toEqual(['agent: hello', 'agent: in parts', 'agent 0x: \xff\0', 'agent: ', 'agent: 70000 bytes', 'closed 1000 enough']); // prettier-ignore
    expect(said.equals(before)).toBe(true);
  });

  it('is told inflated, in the order in which messages ended, each after what was said before it', async () => {
    const { socket, told, settled } = open('permessage-deflate; client_no_context_takeover');
    const first = Buffer.from('{"type":"response.created"}');
    const large = Buffer.from(Array.from({ length: 60_000 }, (_, at) => (at * 7919) % 251));
    socket.passed('upstream', message(deflate(first), { isCompressed: true }));
    socket.passed('upstream', message(deflate(large, first), { isCompressed: true, partBytes: 1000, isBinary: true }));
    socket.passed('agent', message(deflate('{"type":"response.create"}'), { isCompressed: true, mask }));
    const window = Buffer.concat([first, large]);
    socket.passed('upstream', message(deflate(first, window), { isCompressed: true }));
    socket.passed('upstream', message('plain', {}));
    socket.close();
    await settled();
    expect(told).toEqual([
      `upstream: ${String(first)}`,
      'upstream 0x: 60000 bytes',
      'agent: {"type":"response.create"}',
      `upstream: ${String(first)}`,
      'upstream: plain',
      'closed null',
    ]);
  });

  it('is told to be missed where a message inflates to more than there is room for, and goes on', async () => {
    const bomb = deflate(Buffer.alloc(maxMessageBytes + 1));
    for (const [extensions, next] of [
      ['permessage-deflate; server_no_context_takeover', 'upstream: next'],
      ['permessage-deflate', expect.stringMatching(/^upstream missed \d+: a message could not be inflated/)],
    ] as const) {
      const { socket, told, settled } = open(extensions);
      socket.passed('upstream', message(bomb, { isCompressed: true }));
      socket.passed('upstream', message(deflate('next'), { isCompressed: true }));
      socket.passed('upstream', message('plain', {}));
      await settled();
      expect(told).toEqual([expect.stringMatching(`^upstream missed ${bomb.length}: a message could not`), next, 'upstream: plain']); // prettier-ignore
    }
  });

  it('keeps nothing of a message that is too long, and goes on behind it', () => {
    const { socket, told } = open(null);
    const part = Buffer.alloc(1024 * 1024);
    for (let at = 0; at <= 32; at += 1) {
      socket.passed('upstream', frame({ opcode: at === 0 ? 2 : 0, payload: part, isLast: at === 32 }));
    }
    socket.passed('upstream', message('next', {}));
    expect(told).toEqual([
      `upstream missed ${33 * 1024 * 1024}: a message is longer than ${maxMessageBytes} bytes`,
      'upstream: next',
    ]);
  });

  it.each([
    ['a reserved bit', null, frame({ opcode: 1, payload: 'x', isCompressed: true })],
    ['an opcode that is none', null, frame({ opcode: 3, payload: 'x' })],
    ['a part of nothing', null, frame({ opcode: 0, payload: 'x' })],
    ['a message inside of another', null, Buffer.concat([frame({ opcode: 1, isLast: false }), message('x')])],
    ['a ping in parts', null, frame({ opcode: 9, isLast: false })],
    ['a length beyond all numbers', null, Buffer.from('827fffffffffffffffff', 'hex')],
    ['an extension that is not known', 'permessage-deflate, x-other', message('x', {})],
  ])('says so once where it cannot be read, at its end: %s', (_, extensions, bytes) => {
    const { socket, told } = open(extensions);
    socket.passed('upstream', bytes);
    socket.passed('upstream', message('more', {}));
    socket.passed('agent', message('fine', { mask }));
    socket.close();
    const missed = expect.stringMatching(/^upstream missed \d+: (what passed cannot be read|the two sides agreed)/);
    expect(told).toEqual(
      extensions === null
        ? ['agent: fine', missed, 'closed null']
        : [expect.stringMatching(/^agent missed/), missed, 'closed null'],
    );
  });

  it('is not told as a message where it ends in the middle of one', () => {
    const { socket, told } = open(null);
    socket.passed('upstream', frame({ opcode: 1, payload: 'half of it', isLast: false }));
    socket.close();
    expect(told).toEqual(['upstream missed 10: a message did not come to its end', 'closed null']);
  });
});
