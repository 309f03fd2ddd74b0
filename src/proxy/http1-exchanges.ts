// The exchanges on one HTTP/1.1 connection, told as wire events from what two readers find in the bytes that pass. Answers come in the
// order of their requests (pipelining).
import { newId, type ResponseHead } from '../domain/index.ts';
import type { Emit } from './engine-sockets.ts';
import { readRequests, readResponses, type Http1Event, type Http1Head } from './http1-messages.ts';
import { upstreamOf, type ProviderSide, type RelayedConnection, type RelayedExchanges } from './relayed-exchanges.ts';

interface Open {
  readonly exchangeId: string;
  readonly method: string;
  readonly head: Http1Head;
  /** By performance.now(). */
  readonly sentAt: number;
  isRequestEnded: boolean;
  response: ResponseHead | null;
}

/** `providerSide` null: nobody wants to know. */
export function tellHttp1(
  { host, port, client }: RelayedConnection,
  emit: Emit,
  providerSide: (() => ProviderSide) | null,
): RelayedExchanges {
  /** Requests whose answers have not ended, in order. */
  const open: Open[] = [];
  /** Whose body is coming; null where its answer has ended before. */
  let sending: Open | null = null;
  let hasAgentEnded = false;
  const requests = readRequests();
  const responses = readResponses(() => open[0]?.method ?? null);

  const upstream = ({ head, response, sentAt }: Open): ReturnType<typeof upstreamOf> =>
    upstreamOf({ requestHeaders: head.headers, response, sentAt }, providerSide);
  const endRequest = (exchange: Open): void => {
    if (exchange.isRequestEnded) return;
    exchange.isRequestEnded = true;
    emit({ type: 'requestEnded', exchangeId: exchange.exchangeId });
  };
  const onRequest = (event: Http1Event): void => {
    switch (event.type) {
      case 'head': {
        const { line, headers } = event.head;
        const [method, target, version] = line;
        const sentAt = performance.now();
        sending = { exchangeId: newId(), method, head: event.head, sentAt, isRequestEnded: false, response: null };
        open.push(sending);
        const request = { method, scheme: 'https', host, port, path: pathOf(target), headers, client } as const;
        const httpVersion = version.slice('HTTP/'.length);
        emit({ type: 'requestStarted', exchangeId: sending.exchangeId, request: { ...request, httpVersion } });
        return;
      }
      case 'data':
        if (sending !== null) emit({ type: 'requestData', exchangeId: sending.exchangeId, data: event.data });
        return;
      case 'end':
        if (sending !== null) endRequest(sending);
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
        emit({ type: 'responseStarted', exchangeId, response: exchange.response, ...upstream(exchange) });
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
  const abort: RelayedExchanges['abort'] = (by, error) => {
    for (const exchange of open.splice(0)) {
      emit({ type: 'exchangeAborted', exchangeId: exchange.exchangeId, by, error, ...upstream(exchange) });
    }
    sending = null;
  };
  const lost = (): void =>
    abort('tapes', { code: 'E_NOT_HTTP', message: 'what passed on this connection cannot be read as HTTP/1.1' });
  return {
    sent(bytes) {
      for (const event of requests.push(bytes)) onRequest(event);
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
