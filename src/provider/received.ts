// What reached a provider: requests, and the model calls among them, as they came.
import type { RawHeaders } from '../domain/index.ts';
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
}

/** The same value while its owner still writes to it. */
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
