// What an agent and a provider can say to each other over a WebSocket, in bytes: frames as a library sends them, and as none would.
import { frame, message } from '../websocket-frames.ts';
import type { Scenario } from './both-ways.ts';

const mask = Buffer.from('37fa213d', 'hex');
const upgrade =
  'GET /backend-api/realtime HTTP/1.1\r\nHost: chatgpt.com\r\nupgrade: WebSocket\r\nConnection: keep-alive, Upgrade\r\n' +
  'Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Extensions: permessage-deflate; x-odd\r\n\r\n';
const accepted =
  'HTTP/1.1 101 Sure\r\nUpgrade: websocket\r\nX-Odd: \xe9\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n\r\n';

/** The provider says `answer` once it has got all of `sent`, and whoever is asked to then ends it. */
function talk(
  name: string,
  sent: Buffer,
  answer: Buffer,
  ends: 'client' | 'upstream' | 'client resets' = 'client',
): Scenario {
  return {
    name,
    async client(peer) {
      await peer.write(upgrade);
      await peer.until('\r\n\r\n');
      await peer.write(sent);
      await peer.until(answer.length);
      if (ends === 'client') peer.end();
      if (ends === 'client resets') peer.reset();
      else await peer.ended();
    },
    async upstream(peer) {
      await peer.until('\r\n\r\n');
      await peer.write(Buffer.from(accepted, 'latin1'));
      await peer.until(sent.length);
      await peer.write(answer);
      if (ends === 'upstream') peer.end();
      await peer.ended();
      peer.end();
    },
  };
}

const close = frame({ opcode: 8, payload: Buffer.from('03e8627965', 'hex') });

export const socketScenarios: readonly Scenario[] = [
  talk('messages of a WebSocket, in one frame and in many', message('hello', { mask }), message('x'.repeat(70_000), { partBytes: 999 })), // prettier-ignore
  talk('pings, pongs and a close frame with a reason', frame({ opcode: 9, payload: 'p', mask }), Buffer.concat([frame({ opcode: 10, payload: 'p' }), close]), 'upstream'), // prettier-ignore
  talk('frames that are none: opcodes, reserved bits, a length beyond all numbers', Buffer.from('b3817fffffffffffffffff', 'hex'), Buffer.from('f0ff00', 'hex')), // prettier-ignore
  talk('frames of a client without a mask, of a provider with one', message('bare'), message('masked', { mask })),
  talk('a WebSocket that the agent resets', message('hello', { mask }), message('hello'), 'client resets'),
  {
    name: 'a message whose end does not come',
    async client(peer) {
      await peer.write(upgrade);
      await peer.until('in the middle of');
      peer.end();
    },
    async upstream(peer) {
      await peer.until('\r\n\r\n');
      await peer.write(Buffer.concat([Buffer.from(accepted, 'latin1'), frame({ opcode: 1, payload: 'in the middle of', isLast: false })])); // prettier-ignore
      await peer.ended();
      peer.end();
    },
  },
  {
    name: 'an upgrade that the provider refuses, and a request behind it',
    async client(peer) {
      await peer.write(upgrade);
      await peer.until('no such socket');
      await peer.write('GET /next HTTP/1.1\r\nHost: chatgpt.com\r\n\r\n');
      await peer.until('next');
    },
    async upstream(peer) {
      await peer.until('\r\n\r\n');
      await peer.write('HTTP/1.1 403 No\r\nContent-Length: 14\r\n\r\nno such socket');
      await peer.until('\r\n\r\n');
      await peer.write('HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nnext');
    },
  },
];
