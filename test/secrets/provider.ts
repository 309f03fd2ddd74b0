// A provider that answers each planted exchange in its own bytes: HTTP/1.1, HTTP/2 and WebSockets on one port, found by a field that names the row.
import { once } from 'node:events';
import { createServer as createHttp1, type IncomingMessage } from 'node:http';
import { createServer as createHttp2 } from 'node:http2';
import type { AddressInfo } from 'node:net';
import type { Duplex } from 'node:stream';
import { createServer as createTls, type TLSSocket } from 'node:tls';

import { makeLeaf, readTestRoot } from '../support/certificates.ts';
import type { Planted } from './places.ts';

export const rowField = 'x-row';

export interface PlantProvider {
  readonly port: number;
  close(): void;
}

/** The bytes of an answer over HTTP/1.1, in the pieces in which they are written. */
export function answerPieces({ answer = {} }: Planted): readonly Buffer[] {
  const { status = '200 OK', headers = [], body = [], trailers } = answer;
  const length = body.reduce((sum, piece) => sum + piece.length, 0);
  const framing = trailers === undefined ? `Content-Length: ${length}` : 'Transfer-Encoding: chunked';
  const head = [`HTTP/1.1 ${status}`, ...headers.map(([name, value]) => `${name}: ${value}`), framing].join('\r\n');
  const pieces = [Buffer.from(`${head}\r\n\r\n`), ...body];
  if (trailers === undefined) return pieces;
  const last = trailers.map(([name, value]) => `${name}: ${value}\r\n`).join('');
  return [pieces[0]!, Buffer.from(`${length.toString(16)}\r\n`), ...body, Buffer.from(`\r\n0\r\n${last}\r\n`)];
}

export async function writePieces(stream: Duplex, pieces: readonly Buffer[]): Promise<void> {
  for (const piece of pieces) {
    stream.write(piece);
    // Each in a record of its own.
    if (pieces.length > 3) await new Promise((resolve) => setImmediate(resolve));
  }
}

export async function startPlantProvider(rows: ReadonlyMap<string, Planted>): Promise<PlantProvider> {
  const sockets = new Set<TLSSocket>();
  const http1 = createHttp1();
  const rowOf = (message: IncomingMessage): Planted => rows.get(String(message.headers[rowField]))!;
  http1.on('request', (request, response) => {
    request.resume();
    request.once('end', () => {
      response.detachSocket(request.socket);
      void writePieces(request.socket, answerPieces(rowOf(request)));
    });
  });
  http1.on('upgrade', (request: IncomingMessage, socket: Duplex) => {
    const { sent, answered, extensions } = rowOf(request).socket!;
    const more = extensions === undefined ? '' : `Sec-WebSocket-Extensions: ${extensions}\r\n`;
    socket.write(`HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n${more}\r\n`);
    let left = sent.reduce((sum, { length }) => sum + length, 0);
    const answer = (): void => void (left <= 0 && writePieces(socket, answered));
    socket.on('data', (bytes: Buffer) => {
      left -= bytes.length;
      answer();
    });
    socket.on('error', () => undefined);
    answer();
  });
  const http2 = createHttp2();
  http2.on('stream', (stream, headers) => {
    const { answer = {} } = rows.get(String(headers[rowField]))!;
    stream.resume();
    stream.once('end', () => {
      stream.respond({ ':status': 200, ...Object.fromEntries(answer.headers ?? []) });
      stream.end(Buffer.concat(answer.body ?? []));
    });
  });
  const server = createTls(
    { ...makeLeaf(readTestRoot(), ['chatgpt.com', 'api.openai.com']), ALPNProtocols: ['h2', 'http/1.1'] },
    (socket) => {
      sockets.add(socket);
      socket.on('error', () => undefined);
      (socket.alpnProtocol === 'h2' ? http2 : http1).emit('connection', socket);
    },
  );
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return {
    port: (server.address() as AddressInfo).port,
    close() {
      for (const socket of sockets) socket.destroy();
      server.close();
    },
  };
}
