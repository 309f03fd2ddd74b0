// A stream in the place of a TLS connection that keeps what passes, for one that reads past what a test could listen to: Node's HTTP/2 does.
import { Duplex } from 'node:stream';
import type { TLSSocket } from 'node:tls';

export interface LoggedStream {
  readonly stream: Duplex;
  sent(): Buffer;
  received(): Buffer;
}

export function logStream(socket: TLSSocket): LoggedStream {
  const sent: Buffer[] = [];
  const received: Buffer[] = [];
  const stream = new Duplex({
    read: () => void socket.resume(),
    write(chunk: Buffer, _encoding, done) {
      sent.push(Buffer.from(chunk));
      socket.write(chunk, done);
    },
    final: (done) => void socket.end(done),
    destroy(error, done) {
      socket.destroy();
      done(error);
    },
  });
  socket.on('data', (chunk: Buffer) => {
    received.push(chunk);
    if (!stream.push(chunk)) socket.pause();
  });
  socket.on('end', () => stream.push(null));
  socket.on('error', (error) => stream.destroy(error));
  socket.on('close', () => stream.destroy());
  stream.on('error', () => undefined);
  return { stream, sent: () => Buffer.concat(sent), received: () => Buffer.concat(received) };
}
