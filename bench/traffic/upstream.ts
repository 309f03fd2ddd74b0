// The provider of all benchmarks, a program of its own: TLS under the test root, HTTP/1.1 kept alive, answers as asked for. Each event says when it was
// sent. A side channel (plain TCP, 2 bytes a stream's number) tells it which streams may have their next event.
import { once } from 'node:events';
import { createServer, type AddressInfo } from 'node:net';

import { listenTls } from '../../src/provider/index.ts';
import { makeLeaf, readTestRoot } from '../../test/support/certificates.ts';
import { randomJsonText } from '../../test/support/chunks.ts';
import { completed, created, sse, textDelta } from '../../test/support/wire-script.ts';
import { askHeader, readAsk, type Ask } from './ask.ts';
import { host, nowMs } from './way.ts';

/** What it says when it stands. */
export interface UpstreamPorts {
  readonly port: number;
  readonly sidePort: number;
}

type Handlers = Parameters<typeof listenTls>[1];
type Reply = Parameters<Handlers['onRequest']>[1];

const ignore = (): undefined => undefined;
const send = (reply: Reply, event: object): boolean => reply.write(Buffer.from(sse(event)), ignore);
const delta = (): object => ({ ...textDelta('a word '), sent: nowMs() });
const echoes = new Map<number, Reply>();

const answers: { readonly [T in Ask['type']]: (reply: Reply, ask: Extract<Ask, { type: T }>) => void } = {
  stream(reply, { everyMs, events }) {
    let left = events;
    const timer = setInterval(() => {
      send(reply, delta());
      left -= 1;
      if (left > 0) return;
      clearInterval(timer);
      send(reply, completed());
      reply.end();
    }, everyMs);
    reply.once('close', () => clearInterval(timer));
  },
  echo(reply, { stream }) {
    echoes.set(stream, reply);
    reply.once('close', () => echoes.delete(stream));
    send(reply, delta());
  },
  bulk(reply, { bytes }) {
    const events = Array.from({ length: 16 }, (_, seed) => Buffer.from(sse(textDelta(randomJsonText(seed, 16_000)))));
    let left = bytes;
    let isClosed = false;
    reply.once('close', () => (isClosed = true));
    const next = (): void => {
      if (isClosed) return;
      if (left > 0) {
        const event = events[left % events.length]!;
        left -= event.length;
        return void reply.write(event, next);
      }
      send(reply, completed());
      reply.end();
    };
    next();
  },
  answer(reply) {
    for (let word = 0; word < 20; word++) send(reply, delta());
    send(reply, completed());
    reply.end();
  },
};

const leaf = makeLeaf(readTestRoot(), [host]);
const { port } = await listenTls(
  { http2: false, port: 0, leaf, leafFor: () => leaf },
  {
    onRequest(message, reply) {
      message.on('error', ignore);
      message.resume().once('end', () => {
        const ask = readAsk(message.headers[askHeader]);
        reply.appendHeader('content-type', 'text/event-stream');
        reply.writeHead(200);
        send(reply, created());
        answers[ask.type](reply, ask as never);
      });
    },
    onUpgrade: (_message, socket) => void socket.destroy(),
    onTlsError: ignore,
  },
);

const side = createServer({ noDelay: true }, (socket) => {
  socket.on('error', ignore);
  let rest = Buffer.alloc(0);
  socket.on('data', (chunk) => {
    const bytes = rest.length === 0 ? chunk : Buffer.concat([rest, chunk]);
    const whole = bytes.length - (bytes.length % 2);
    for (let at = 0; at < whole; at += 2) {
      const reply = echoes.get(bytes.readUInt16LE(at));
      if (reply !== undefined) send(reply, delta());
    }
    rest = bytes.subarray(whole);
  });
});
side.listen(0, '127.0.0.1');
await once(side, 'listening');
process.once('disconnect', () => process.exit());
process.send?.({ port, sidePort: (side.address() as AddressInfo).port } satisfies UpstreamPorts);
