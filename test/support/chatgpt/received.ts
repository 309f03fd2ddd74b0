// What reached the stand-in: requests, the model calls among them, and WebSockets, as they came and with what became of them.
import type { RawHeaders } from '../../../src/domain/index.ts';
import type { Answer } from './answer.ts';
import type { Connection, IncomingRequest } from './tls-listener.ts';

/** A request as it came; what happens to it later is filled in. */
export interface ReceivedRequest {
  /** Wall clock, ms since the epoch. */
  readonly at: number;
  readonly connectionId: number;
  /** "1.1" or "2.0". */
  readonly httpVersion: string;
  readonly method: string;
  /** With the query. */
  readonly path: string;
  /** The Host header, or `:authority`. */
  readonly host: string;
  readonly tls: Pick<Connection, 'servername' | 'alpn'>;
  /** Wire order and casing; for HTTP/2 with the pseudo-headers. */
  readonly rawHeaders: RawHeaders;
  /** `websocket`: an upgrade request, accepted or not. */
  readonly transport: 'https' | 'websocket';
  /** As on the wire, still content-encoded. */
  readonly bodyBytes: Buffer;
  readonly trailers: RawHeaders;
  /** The status that was answered; null as long as none was. */
  readonly status: number | null;
  /** The client left before it had the whole request sent, or the whole answer. */
  readonly aborted: boolean;
}

/** One model call: a POST, or one `response.create` on a WebSocket. */
export interface ReceivedCall {
  /** Its place in `standIn.calls`. */
  readonly index: number;
  readonly at: number;
  readonly transport: 'https' | 'websocket';
  /** The POST, or the upgrade that opened the socket. */
  readonly request: ReceivedRequest;
  /** The body as on the wire, or the WebSocket message. */
  readonly bodyBytes: Buffer;
  /** The same without content-encoding. */
  readonly text: string;
  /** The body as JSON; throws where it is none. */
  json(): Readonly<Record<string, unknown>>;
  readonly model: string | null;
  /** `x-codex-turn-metadata`, from the header or from the body; empty where there is none. */
  readonly metadata: Readonly<Record<string, unknown>>;
  /** prewarm, title, or the metadata's request_kind (turn, compaction …). */
  readonly kind: string;
  /** What the scenario said; null for a prewarm. */
  readonly answer: Answer | null;
  readonly responseId: string | null;
  /** The JSON text of each event sent, in order. */
  readonly sentEvents: readonly string[];
  /** `performance.now()` just before each of them was written. */
  readonly sentAt: readonly number[];
  /** POST only: the body of the answer as on the wire, still content-encoded, in the chunks in which it was written. */
  readonly sentChunks: readonly Buffer[];
  /** How the answer ended: as planned (`sent`), cut by the stand-in, or because the client left. */
  readonly ended: 'open' | 'sent' | 'cut' | 'clientLeft';
}

export interface ReceivedMessage {
  readonly at: number;
  readonly from: 'client' | 'standIn';
  readonly isBinary: boolean;
  readonly data: Buffer;
}

export interface ReceivedSocket {
  readonly request: ReceivedRequest;
  readonly extensions: string;
  readonly messages: readonly ReceivedMessage[];
  /** null while it is open; code 1006 where no close frame came. */
  readonly closed: { readonly code: number; readonly reason: string } | null;
}

/** The same value while the stand-in still writes to it. */
export type Writable<T> = { -readonly [Key in keyof T]: T[Key] };

export function newRequest(
  message: IncomingRequest,
  connection: Connection,
  transport: 'https' | 'websocket',
): Writable<ReceivedRequest> {
  const { headers } = message;
  const authority = headers[':authority'];
  return {
    at: Date.now(),
    connectionId: connection.id,
    httpVersion: message.httpVersion,
    method: message.method ?? '',
    path: message.url ?? '',
    host: headers.host ?? (typeof authority === 'string' ? authority : ''),
    tls: { servername: connection.servername, alpn: connection.alpn },
    rawHeaders: pairHeaders(message.rawHeaders),
    transport,
    bodyBytes: Buffer.alloc(0),
    trailers: [],
    status: null,
    aborted: false,
  };
}

/** ['a', '1', 'b', '2'] → [['a', '1'], ['b', '2']] */
export function pairHeaders(flat: readonly string[]): RawHeaders {
  return Array.from({ length: flat.length / 2 }, (_, index) => [flat[2 * index] ?? '', flat[2 * index + 1] ?? '']);
}

/** The first header of this name in any case; null where there is none. */
export function headerValue(headers: RawHeaders, name: string): string | null {
  return headers.find(([key]) => key.toLowerCase() === name.toLowerCase())?.[1] ?? null;
}
