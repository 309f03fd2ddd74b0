// The parts of HAR 1.2 that tapes writes (http://www.softwareishard.com/blog/har-12-spec/), with the fields that Chrome DevTools, Firefox and
// mitmproxy have agreed on (`_resourceType`, `_webSocketMessages`), and our own under `_tapes`.

export interface HarPair {
  readonly name: string;
  readonly value: string;
}

export interface HarEntry {
  readonly startedDateTime: string;
  readonly time: number;
  readonly request: {
    readonly method: string;
    readonly url: string;
    readonly httpVersion: string;
    readonly cookies: readonly HarPair[];
    readonly headers: readonly HarPair[];
    readonly queryString: readonly HarPair[];
    readonly postData?: { readonly mimeType: string; readonly text: string; readonly comment?: string };
    readonly headersSize: number;
    readonly bodySize: number;
  };
  readonly response: {
    readonly status: number;
    readonly statusText: string;
    readonly httpVersion: string;
    readonly cookies: readonly HarPair[];
    readonly headers: readonly HarPair[];
    readonly content: {
      readonly size: number;
      readonly compression?: number;
      readonly mimeType: string;
      readonly text?: string;
      readonly encoding?: 'base64';
      readonly comment?: string;
    };
    readonly redirectURL: string;
    readonly headersSize: number;
    readonly bodySize: number;
    readonly _transferSize: number;
    readonly _error?: string;
  };
  readonly cache: Record<string, never>;
  readonly timings: {
    readonly blocked: number;
    readonly dns: number;
    readonly connect: number;
    readonly ssl: number;
    readonly send: number;
    readonly wait: number;
    readonly receive: number;
  };
  readonly serverIPAddress?: string;
  /** The server's port, as Chrome and Firefox write and read it. */
  readonly connection: string;
  /** The agent's port. */
  readonly _connectionId?: string;
  readonly comment?: string;
  readonly _resourceType: 'fetch' | 'websocket';
  readonly _webSocketMessages?: readonly HarSocketMessage[];
  readonly _eventSourceMessages?: readonly HarEventMessage[];
  readonly _tapes: {
    readonly exchangeId: string;
    readonly callId?: string;
    readonly turnId?: string;
    readonly outcome: string;
    /** When the request began, in ms after `startedDateTime`, where that is not its beginning. */
    readonly requestMs?: number;
    /** When each chunk of the answer came, in ms after `startedDateTime`, and how many bytes it had on the wire. */
    readonly chunks?: readonly (readonly [atMs: number, bytes: number])[];
  };
}

/** An event of an event stream, as Chrome writes it: without a name it is a `message`. */
export interface HarEventMessage {
  /** Seconds since the epoch. */
  readonly time: number;
  readonly eventName: string;
  readonly eventId: string;
  readonly data: string;
}

export interface HarSocketMessage {
  readonly type: 'send' | 'receive';
  /** Seconds since the epoch. */
  readonly time: number;
  readonly opcode: 1 | 2;
  readonly data: string;
}

export const harTail = '\n]}}\n';
