// HTTP/2 in bytes that the test writes itself: what Node's HTTP/2 would never send, how connections end, and what tapes cannot read. Both ends
// must see the same bytes and the same ends, straight and through tapes.
import { setTimeout as pause } from 'node:timers/promises';
import { block, flags, frame, goAway, headers, kinds, number, preface, reset, settings } from '../http2-frames.ts';
import type { Scenario } from './both-ways.ts';

const request = { ':method': 'GET', ':scheme': 'https', ':authority': 'chatgpt.com', ':path': '/' };
const hello = Buffer.concat([preface, settings()]);
const get = (streamId = 1): Buffer => headers(streamId, request, flags.endStream);
const post = (streamId = 1): Buffer => headers(streamId, { ...request, ':method': 'POST' });
const data = (streamId: number, text: string | Buffer, more = 0): Buffer =>
  frame(kinds.data, streamId, Buffer.from(text), more);
const answer = Buffer.concat([settings(), headers(1, { ':status': '200' }), data(1, 'last', flags.endStream)]);

/** These bytes to the provider, and those back, which end with `last`. */
function exchange(name: string, asked: Buffer, answered: Buffer = answer): Scenario {
  return {
    name,
    async client(peer) {
      await peer.write(asked);
      await peer.until(answered.length);
    },
    async upstream(peer) {
      await peer.until(asked.length);
      await peer.write(answered);
    },
  };
}

const hugeBlock = block(Object.fromEntries(Array.from({ length: 300 }, (_, at) => [`x-${at}`, 'v'.repeat(2_000)])));

/** One header block in pieces of so many bytes. */
function inPieces(streamId: number, bytes: Buffer, size: number): Buffer {
  const frames: Buffer[] = [];
  for (let at = 0; at < bytes.length; at += size) {
    const isLast = at + size >= bytes.length;
    const more = (isLast ? flags.endHeaders : 0) | (at === 0 ? flags.endStream : 0);
    frames.push(frame(at === 0 ? kinds.headers : kinds.continuation, streamId, bytes.subarray(at, at + size), more));
  }
  return Buffer.concat(frames);
}

const hugeRequest = inPieces(1, Buffer.concat([block(request), hugeBlock]), 16_384);

/** For a provider whose settings are there before anybody has said a word. */
export const providerFirst: Scenario = {
  name: 'the provider speaks first',
  async client(peer) {
    await peer.until(settings().length);
    await peer.write(Buffer.concat([hello, get()]));
    await peer.until('last');
  },
  async upstream(peer) {
    await peer.until(hello.length + get().length);
    await peer.write(answer.subarray(settings().length));
  },
};
export const greeting = settings();

export const http2ByteScenarios: readonly Scenario[] = [
  {
    name: 'a preface byte by byte',
    async client(peer) {
      for (const byte of hello) await peer.write(Buffer.of(byte));
      await peer.write(get());
      await peer.until('last');
    },
    async upstream(peer) {
      await peer.until(hello.length + get().length);
      await peer.write(answer);
    },
  },
  exchange(
    'kinds of frames that nobody knows, both ways',
    Buffer.concat([hello, frame(0xfa, 0, Buffer.from('grease'), 0xff), get(), frame(0x0c, 1, Buffer.alloc(16_384))]),
    Buffer.concat([settings(), frame(0xb, 0, Buffer.from('origin')), frame(0xa, 0, Buffer.from('altsvc')), answer]),
  ),
  exchange(
    'reserved bits and flags, settings that nobody knows',
    Buffer.concat([
      preface,
      settings([
        [0xfafa, 1],
        [4, 2 ** 31 - 1],
        [1, 2 ** 32 - 1],
      ]),
      frame(kinds.ping, 0x8000_0000, Buffer.alloc(8), 0xfe),
      get(0x8000_0001),
    ]),
  ),
  exchange(
    'padding and priorities',
    Buffer.concat([
      hello,
      frame(
        kinds.headers,
        1,
        Buffer.concat([Buffer.of(255), number(0x8000_0003), Buffer.of(7), block(request), Buffer.alloc(255, 1)]),
        0x2c,
      ),
      frame(kinds.priority, 1, Buffer.alloc(5)),
      data(1, Buffer.concat([Buffer.of(200), Buffer.from('body'), Buffer.alloc(200, 2)]), flags.padded),
      data(1, '', flags.endStream),
    ]),
  ),
  exchange('a header block of 600 kB in 37 frames', Buffer.concat([hello, hugeRequest])),
  exchange(
    'a header block of 600 kB in an answer',
    Buffer.concat([hello, get()]),
    Buffer.concat([
      settings(),
      inPieces(1, Buffer.concat([block({ ':status': '200' }), hugeBlock]), 16_384),
      data(1, 'last'),
    ]),
  ),
  exchange(
    'a header block in frames of one byte, empty ones among them',
    Buffer.concat([hello, inPieces(1, block(request), 1), frame(kinds.ping, 0, Buffer.alloc(8))]),
  ),
  exchange(
    'headers of 3 MB, more than tapes reads',
    Buffer.concat([
      hello,
      ...Array.from({ length: 5 }, () => hugeBlock).flatMap((part, at) => [
        frame(at === 0 ? kinds.headers : kinds.continuation, 1, part.subarray(0, 16_000), at === 4 ? 4 : 0),
      ]),
      inPieces(3, Buffer.concat(Array.from({ length: 5 }, () => hugeBlock)), 16_384),
    ]),
  ),
  exchange(
    'continuations without an end',
    Buffer.concat([
      hello,
      frame(kinds.headers, 1, block(request)),
      ...Array.from({ length: 5_000 }, () => frame(kinds.continuation, 1, Buffer.alloc(200, 0))),
    ]),
  ),
  exchange(
    'a header that unpacks to 64 MB',
    Buffer.concat([
      hello,
      frame(kinds.headers, 1, Buffer.concat([Buffer.from('4001617fe11e', 'hex'), Buffer.alloc(4_064, 'v')])),
      frame(kinds.continuation, 1, Buffer.alloc(16_000, 0xbe), 4),
    ]),
  ),
  exchange('headers that are none', Buffer.concat([hello, frame(kinds.headers, 1, Buffer.of(0x80, 0xff, 0xff), 5)])),
  exchange(
    'a frame of 100 kB that nobody has allowed',
    Buffer.concat([hello, post(), data(1, Buffer.alloc(100_000, 'x'))]),
  ),
  exchange(
    'frames of 1 MB that the provider has allowed',
    Buffer.concat([hello, post(), data(1, Buffer.alloc(1_000_000, 'x'), flags.endStream)]),
    Buffer.concat([settings([[5, 1_048_576]]), answer]),
  ),
  exchange(
    'frames that stand in the wrong place',
    Buffer.concat([hello, data(0, 'x'), data(99, 'y'), frame(kinds.continuation, 7), reset(0, 1)]),
  ),
  exchange(
    'no HTTP/2 at all',
    Buffer.from('GET / HTTP/1.1\r\nHost: chatgpt.com\r\n\r\n'),
    Buffer.from('HTTP/1.1 400 Bad Request\r\n\r\nlast'),
  ),
  exchange(
    'an answer that is no HTTP/2',
    Buffer.concat([hello, get()]),
    Buffer.from('HTTP/1.1 400 Bad Request\r\n\r\nlast'),
  ),
  exchange(
    'a promise that was not wanted',
    Buffer.concat([preface, settings([[2, 0]]), get()]),
    Buffer.concat([
      settings(),
      frame(kinds.promise, 1, Buffer.concat([number(2), block(request)]), 4),
      headers(2, { ':status': '200' }),
      data(2, 'pushed', 1),
      answer,
    ]),
  ),
  exchange(
    'two thousand streams, each reset at once',
    Buffer.concat([
      hello,
      ...Array.from({ length: 2_000 }, (_, at) => [post(2 * at + 1), reset(2 * at + 1, 8)]).flat(),
    ]),
  ),
  exchange(
    'answers that come for streams that nobody opened',
    Buffer.concat([hello, get()]),
    Buffer.concat([settings(), headers(77, { ':status': '200' }), reset(99, 2), answer]),
  ),
  {
    name: 'the client ends its half, and the answer still comes',
    async client(peer) {
      await peer.write(Buffer.concat([hello, get(), goAway(0, 0)]));
      peer.end();
      await peer.until('last');
      await peer.ended();
    },
    async upstream(peer) {
      await peer.ended();
      await pause(50);
      await peer.write(answer);
      peer.end();
    },
  },
  {
    name: 'the provider ends the connection behind GOAWAY',
    async client(peer) {
      await peer.write(Buffer.concat([hello, get()]));
      await peer.ended();
    },
    async upstream(peer) {
      await peer.until(hello.length + get().length);
      await peer.write(Buffer.concat([answer, goAway(1, 0)]));
      peer.end();
    },
  },
  ...(['end', 'reset'] as const).flatMap((how): Scenario[] => [
    {
      name: `${how} by the provider before anything is said`,
      async client(peer) {
        await peer.write(Buffer.concat([hello, get()]));
        await peer.ended();
      },
      async upstream(peer) {
        await peer.until(hello.length + get().length);
        peer[how]();
      },
    },
    {
      name: `${how} by the provider in the middle of a frame`,
      async client(peer) {
        await peer.write(Buffer.concat([hello, get()]));
        await peer.until('begun');
        await peer.ended();
      },
      async upstream(peer) {
        await peer.until(hello.length + get().length);
        await peer.write(Buffer.concat([answer.subarray(0, settings().length + 20), Buffer.from('begun')]));
        await pause(50);
        peer[how]();
      },
    },
    {
      name: `${how} by the client in the middle of a request`,
      async client(peer) {
        await peer.write(Buffer.concat([hello, post(), data(1, Buffer.alloc(1_000)).subarray(0, 500)]));
        await peer.until(settings().length);
        peer[how]();
      },
      async upstream(peer) {
        await peer.until(hello.length + post().length + 500);
        await peer.write(settings());
        await peer.ended();
        peer.end();
      },
    },
  ]),
];
