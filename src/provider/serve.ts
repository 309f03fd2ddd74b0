// A provider on loopback: takes requests off the TLS listener, tells model calls from the rest, and has both answered.
import type { IncomingMessage } from 'node:http';
import { buffer } from 'node:stream/consumers';
import type { Duplex } from 'node:stream';

import { decodeAsRecorded, isCallPath, readPost, type Decode } from './call.ts';
import { HttpExchange } from './http-exchange.ts';
import { sendPlain, type PlainAnswer } from './plain-answer.ts';
import { newRequest, pairHeaders, type ReceivedCall, type ReceivedRequest, type Writable } from './received.ts';
import {
  listenTls,
  type Connection,
  type IncomingRequest,
  type ListenOptions,
  type TlsListener,
} from './tls-listener.ts';

/** A WebSocket upgrade that wants an answer. */
export interface Upgrade {
  readonly message: IncomingMessage;
  readonly socket: Duplex;
  readonly head: Buffer;
  readonly request: Writable<ReceivedRequest>;
  readonly connection: Connection;
}

export interface ProviderOptions extends ListenOptions {
  /** Default: as the recorder decodes. */
  readonly decode?: Decode;
  /** A request has come; its body has not. */
  readonly onRequest: (request: ReceivedRequest) => void;
  readonly answerCall: (call: ReceivedCall, exchange: HttpExchange) => Promise<void>;
  readonly answerOther: (request: ReceivedRequest) => PlainAnswer;
  readonly answerUpgrade: (upgrade: Upgrade) => void;
  /** A handshake failed, as when the client does not trust the certificate. */
  readonly onTlsError: (error: Error) => void;
  /** Something went wrong in the provider itself; the connection is cut. */
  readonly onFault: (error: unknown) => void;
  /** Something about a request that was told before is new: its status, its end. */
  readonly onChange: () => void;
}

/** Listens on 127.0.0.1, for any name. */
export function serveProvider(options: ProviderOptions): Promise<TlsListener> {
  const receive = (message: IncomingRequest, connection: Connection, transport: 'https' | 'websocket') => {
    const request = newRequest(message, connection, transport);
    options.onRequest(request);
    return request;
  };
  return listenTls(options, {
    onRequest(message, reply, connection) {
      const exchange = new HttpExchange(receive(message, connection, 'https'), reply, connection, options.onChange);
      answer(exchange, message, options).catch((error: unknown) => {
        options.onFault(error);
        exchange.cut();
      });
    },
    onUpgrade(message, socket, head, connection) {
      options.answerUpgrade({ message, socket, head, connection, request: receive(message, connection, 'websocket') });
    },
    onTlsError: options.onTlsError,
  });
}

async function answer(exchange: HttpExchange, message: IncomingRequest, options: ProviderOptions): Promise<void> {
  const { request } = exchange;
  try {
    request.bodyBytes = await buffer(message);
  } catch {
    request.aborted = true;
    return;
  }
  request.trailers = pairHeaders(message.rawTrailers);
  if (request.method !== 'POST' || !isCallPath(request.path)) return sendPlain(exchange, options.answerOther(request));
  const call = await readPost(request, options.decode ?? decodeAsRecorded);
  if (call === null) return sendPlain(exchange, { status: 400, body: '{"detail":"undecodable body"}' });
  return options.answerCall(call, exchange);
}

const reasons: Readonly<Record<number, string>> = { 404: 'Not Found', 426: 'Upgrade Required' };

export function refuseUpgrade({ request, socket }: Upgrade, status: number): void {
  request.status = status;
  socket.end(`HTTP/1.1 ${status} ${reasons[status] ?? 'Refused'}\r\nconnection: close\r\ncontent-length: 0\r\n\r\n`);
}
