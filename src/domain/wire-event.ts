// The one contract between the engine and its sinks: what happened on the wire, in order, as plain cloneable data.
// Bytes are as they passed (still content-encoded); nothing here is decoded, masked or judged.

/** Header fields as they came: order, casing and repeats kept. */
export type RawHeaders = readonly (readonly [name: string, value: string])[];

/** `at`: wall clock, ms since the epoch (with fraction). `mono`: a monotonic clock in ms, for durations. */
export interface Stamp {
  readonly at: number;
  readonly mono: number;
}

export interface Endpoint {
  readonly address: string;
  readonly port: number;
}

/** A request line with its headers, as the agent sent it. `path` includes the query. */
export interface RequestHead {
  readonly method: string;
  readonly scheme: 'https' | 'http' | 'wss' | 'ws';
  readonly host: string;
  readonly port: number;
  readonly path: string;
  /** "1.1", "2.0" … as the agent spoke it. */
  readonly httpVersion: string;
  readonly headers: RawHeaders;
  readonly client: Endpoint | null;
}

export interface ResponseHead {
  readonly status: number;
  readonly reason: string;
  readonly headers: RawHeaders;
}

/** How a connection to the provider came to stand. */
export interface ConnectionPhases {
  /** When tapes began to make it; before the request that it is for, where it was made ahead. */
  readonly began: Stamp;
  /** Null: no name was looked up (an address was given, or a proxy looks it up). */
  readonly dnsMs: number | null;
  /** From the address to the end of the TLS handshake, with what a proxy takes. */
  readonly connectMs: number;
  /** The TLS handshake, which is a part of `connectMs`. */
  readonly sslMs: number;
}

/** The other side of an exchange: the connection to the provider, and the heads as they passed there. Null: not known. */
export interface UpstreamLeg {
  readonly local: Endpoint | null;
  readonly remote: Endpoint | null;
  readonly requestHeaders: RawHeaders | null;
  readonly response: ResponseHead | null;
  /** When the heads passed there, where that is known to differ from when the agent's side had them. */
  readonly requestAt?: Stamp | null;
  readonly responseAt?: Stamp | null;
  /** Of the connection, whichever exchange it was made for. */
  readonly phases?: ConnectionPhases | null;
}

/** A connection of either side, which no exchange tells of: it may have carried many, or none. Null: not seen. */
interface Connection extends Stamp {
  readonly leg: 'agent' | 'provider';
  /** Who opened it: the agent, or tapes. */
  readonly client: Endpoint;
  readonly server: Endpoint | null;
}

export interface ConnectionStart extends Connection {
  readonly type: 'connectionOpened';
  /** Whom it is meant for. */
  readonly host: string;
  readonly port: number;
}

export interface ConnectionEnd extends Connection {
  readonly type: 'connectionEnded';
  readonly by: 'client' | 'server';
  readonly isReset: boolean;
}

export type ConnectionEvent = ConnectionStart | ConnectionEnd;

/** Who ended an exchange before its end: the agent hung up, the upstream failed, or tapes itself. */
export type AbortedBy = 'agent' | 'upstream' | 'tapes';

export interface WireFailure {
  readonly code: string;
  readonly message: string;
}

export type WireEvent = Stamp &
  (
    | { readonly type: 'requestStarted'; readonly exchangeId: string; readonly request: RequestHead }
    | { readonly type: 'requestData'; readonly exchangeId: string; readonly data: Uint8Array }
    | { readonly type: 'requestEnded'; readonly exchangeId: string }
    | {
        readonly type: 'responseStarted';
        readonly exchangeId: string;
        readonly response: ResponseHead;
        readonly upstream?: UpstreamLeg;
      }
    | { readonly type: 'responseData'; readonly exchangeId: string; readonly data: Uint8Array }
    | { readonly type: 'responseEnded'; readonly exchangeId: string }
    | {
        readonly type: 'exchangeAborted';
        readonly exchangeId: string;
        readonly by: AbortedBy;
        readonly error: WireFailure | null;
        readonly upstream?: UpstreamLeg;
      }
    /** A WebSocket upgrade that tapes itself answered with `status` (426), so that the agent falls back to HTTPS. */
    | {
        readonly type: 'upgradeRefused';
        readonly exchangeId: string;
        readonly request: RequestHead;
        readonly status: number;
      }
    /** A relayed WebSocket: the upgrade request and the provider's 101. */
    | {
        readonly type: 'socketOpened';
        readonly exchangeId: string;
        readonly request: RequestHead;
        readonly response: ResponseHead;
        readonly upstream?: UpstreamLeg;
      }
    | {
        readonly type: 'socketMessage';
        readonly exchangeId: string;
        readonly from: 'agent' | 'upstream';
        readonly isBinary: boolean;
        readonly data: Uint8Array;
      }
    /** Something passed on a WebSocket that could not be told as a message. */
    | {
        readonly type: 'socketMissed';
        readonly exchangeId: string;
        readonly from: 'agent' | 'upstream';
        readonly bytes: number;
        readonly why: string;
      }
    /** `code` is null where no close frame was seen (the connection dropped). */
    | {
        readonly type: 'socketClosed';
        readonly exchangeId: string;
        readonly code: number | null;
        readonly reason: string;
      }
    | { readonly type: 'tunnelOpened'; readonly tunnelId: string; readonly host: string; readonly port: number }
    | {
        readonly type: 'tunnelClosed';
        readonly tunnelId: string;
        readonly host: string;
        readonly port: number;
        readonly sentBytes: number;
        readonly receivedBytes: number;
      }
    /** The agent refused our certificate, or its TLS handshake with us failed. */
    | { readonly type: 'tlsFailed'; readonly host: string; readonly cause: string }
  );

/**
 * Whoever receives wire events. `push` returns at once and never throws; `close` settles when all that was pushed is done. Nobody writes to an
 * event's bytes any more: a sink may read them later.
 */
export interface Sink<Report = void> {
  push(event: WireEvent): void;
  close(): Promise<Report>;
}
