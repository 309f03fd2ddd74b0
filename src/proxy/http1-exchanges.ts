// The exchanges on one HTTP/1.1 connection, told as wire events from what two readers find in the bytes that pass. Answers come in the
// order of their requests (pipelining).
import {
  newId,
  type AbortedBy,
  type Endpoint,
  type ResponseHead,
  type Stamp,
  type UpstreamLeg,
  type WireFailure,
} from '../domain/index.ts';
import type { Emit } from './engine-sockets.ts';
import { readRequests, readResponses, type Http1Event, type Http1Head } from './http1-messages.ts';

export interface Http1Connection {
  readonly host: string;
  readonly port: number;
  readonly client: Endpoint | null;
}

export interface Http1Exchanges {
  /** Bytes of the agent that are passed on; `at`: when, by performance.now(), where that is not now. */
  sent(bytes: Buffer, at?: number): void;
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
  openExchanges(): number;
}

interface Open {
  readonly exchangeId: string;
  readonly method: string;
  readonly head: Http1Head;
  /** By performance.now(). */
  readonly sentAt: number;
  isRequestEnded: boolean;
  response: ResponseHead | null;
}

/** What is known of the connection to the provider. */
export interface ProviderSide extends Pick<UpstreamLeg, 'local' | 'remote' | 'phases'> {
  /** What was sent before waited until then; null: it never was. */
  readonly securedAt: Stamp | null;
}

/** `providerSide` null: nobody wants to know. */
export function tellHttp1(
  { host, port, client }: Http1Connection,
  emit: Emit,
  providerSide: (() => ProviderSide) | null,
): Http1Exchanges {
  /** Requests whose answers have not ended, in order. */
  const open: Open[] = [];
  /** Whose body is coming; null where its answer has ended before. */
  let sending: Open | null = null;
  let hasAgentEnded = false;
  const requests = readRequests();
  const responses = readResponses(() => open[0]?.method ?? null);

  const upstreamOf = ({ head, response, sentAt }: Open): { upstream?: UpstreamLeg } => {
    if (providerSide === null) return {};
    const { securedAt, ...ends } = providerSide();
    const requestAt = securedAt !== null && securedAt.mono > sentAt ? securedAt : null;
    return { upstream: { ...ends, requestHeaders: head.headers, response, requestAt } };
  };
  const endRequest = (exchange: Open, at?: number): void => {
    if (exchange.isRequestEnded) return;
    exchange.isRequestEnded = true;
    emit({ type: 'requestEnded', exchangeId: exchange.exchangeId }, at);
  };
  const onRequest = (event: Http1Event, sentAt: number): void => {
    switch (event.type) {
      case 'head': {
        const { line, headers } = event.head;
        const [method, target, version] = line;
        sending = { exchangeId: newId(), method, head: event.head, sentAt, isRequestEnded: false, response: null };
        open.push(sending);
        const request = { method, scheme: 'https', host, port, path: pathOf(target), headers, client } as const;
        const httpVersion = version.slice('HTTP/'.length);
        emit({ type: 'requestStarted', exchangeId: sending.exchangeId, request: { ...request, httpVersion } }, sentAt);
        return;
      }
      case 'data':
        if (sending !== null) emit({ type: 'requestData', exchangeId: sending.exchangeId, data: event.data });
        return;
      case 'end':
        if (sending !== null) endRequest(sending, sentAt);
        sending = null;
    }
  };
  const onResponse = (event: Http1Event): void => {
    const [exchange] = open;
    if (exchange === undefined) return;
    const { exchangeId } = exchange;
    switch (event.type) {
      case 'head': {
        const { line, headers } = event.head;
        const status = Number(line[1]);
        if (status < 200) return;
        exchange.response = { status, reason: line[2], headers };
        emit({ type: 'responseStarted', exchangeId, response: exchange.response, ...upstreamOf(exchange) });
        return;
      }
      case 'data':
        emit({ type: 'responseData', exchangeId, data: event.data });
        return;
      case 'end':
        open.shift();
        // A provider may answer before it has read the whole request.
        endRequest(exchange);
        if (sending === exchange) sending = null;
        emit({ type: 'responseEnded', exchangeId });
    }
  };
  const abort: Http1Exchanges['abort'] = (by, error) => {
    for (const exchange of open.splice(0)) {
      emit({ type: 'exchangeAborted', exchangeId: exchange.exchangeId, by, error, ...upstreamOf(exchange) });
    }
    sending = null;
  };
  const lost = (): void =>
    abort('tapes', { code: 'E_NOT_HTTP', message: 'what passed on this connection cannot be read as HTTP/1.1' });
  return {
    sent(bytes, at = performance.now()) {
      for (const event of requests.push(bytes)) onRequest(event, at);
      if (requests.isLost()) lost();
    },
    sentEnd: () => void (hasAgentEnded = true),
    received(bytes) {
      for (const event of responses.push(bytes)) onResponse(event);
      if (responses.isLost()) lost();
    },
    receivedEnd() {
      for (const event of responses.end()) onResponse(event);
    },
    // An agent that has ended its half has mostly hung up, and the provider then breaks off what it was saying.
    abort: (by, error) => (hasAgentEnded && by === 'upstream' ? abort('agent', null) : abort(by, error)),
    isIdle: () => open.length === 0 && requests.isBetween(),
    // Nobody needs to wait for what an agent no longer waits for.
    openExchanges: () => (hasAgentEnded ? 0 : open.length),
  };
}

/** The path of a request target: of an absolute one, too. */
function pathOf(target: string): string {
  return /^https?:\/\/[^/?#]*(.*)$/i.exec(target)?.[1] ?? target;
}
