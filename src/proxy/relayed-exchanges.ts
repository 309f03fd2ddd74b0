// What is told of a connection whose bytes pass untouched: the one form of its readers, HTTP/1.1 and HTTP/2.
import type {
  AbortedBy,
  Endpoint,
  RawHeaders,
  ResponseHead,
  Stamp,
  UpstreamLeg,
  WireFailure,
} from '../domain/index.ts';

export interface RelayedConnection {
  readonly host: string;
  readonly port: number;
  readonly client: Endpoint | null;
}

export interface RelayedExchanges {
  /** Bytes of the agent that are passed on. */
  sent(bytes: Buffer): void;
  /** The agent has ended its half. */
  sentEnd(): void;
  /** Bytes of the provider that are passed on. */
  received(bytes: Buffer): void;
  /** The provider has ended its half. */
  receivedEnd(): void;
  /** The connection is over: what is open was broken off. */
  abort(by: AbortedBy, error: WireFailure | null): void;
  /** Nothing is open, and nothing has come of a next request. */
  isIdle(): boolean;
  /** Without those of an agent that has ended its half: nobody needs to wait for what it no longer waits for. */
  openExchanges(): number;
  /** Of an agent that has ended its half, what is open is told as hung up: it will not be waited for until the provider breaks it off. */
  tellHungUp(): void;
  /** Something that has passed is not told yet. */
  isBusy(): boolean;
}

/** What is known of the connection to the provider. */
export interface ProviderSide extends Pick<UpstreamLeg, 'local' | 'remote' | 'phases'> {
  /** What was sent before waited until then; null: it never was. */
  readonly securedAt: Stamp | null;
}

export interface RelayedHeads {
  readonly requestHeaders: RawHeaders;
  readonly response: ResponseHead | null;
  /** When the request was there, by performance.now(). */
  readonly sentAt: number;
}

/** The provider's side of an exchange: the same heads, on another connection. `providerSide` null: nobody wants to know. */
export function upstreamOf(
  { requestHeaders, response, sentAt }: RelayedHeads,
  providerSide: (() => ProviderSide) | null,
): { upstream?: UpstreamLeg } {
  if (providerSide === null) return {};
  const { securedAt, ...ends } = providerSide();
  const requestAt = securedAt !== null && securedAt.mono > sentAt ? securedAt : null;
  return { upstream: { ...ends, requestHeaders, response, requestAt } };
}
