// The exchanges on one HTTP/1.1 connection, told as wire events from what two readers find in the bytes that pass. Answers come in the
// order of their requests (pipelining).
import { BytePile, newId, type RawHeaders, type RequestHead, type ResponseHead } from '../domain/index.ts';
import type { Emit } from './emit.ts';
import { readRequests, readResponses, type Http1Event, type Http1Head } from './http1-messages.ts';
import { pathOf } from './refused-upgrade.ts';
import { upstreamOf, type ProviderSide, type RelayedConnection, type RelayedExchanges } from './relayed-exchanges.ts';
import { tellWebSocket, type WebSocketExchange } from './websocket-exchange.ts';

interface Open {
  readonly exchangeId: string;
  readonly method: string;
  readonly head: Http1Head;
  readonly request: RequestHead;
  /** It asks for a WebSocket: whether it is an exchange or opens one, the answer says. Nothing is told before. */
  isUpgrade: boolean;
  /** By performance.now(). */
  readonly sentAt: number;
  isRequestEnded: boolean;
  response: ResponseHead | null;
}

/** The head of a request as it is told. */
export function requestHeadOf({ line, headers }: Http1Head, { host, port, client }: RelayedConnection): RequestHead {
  const [method, target, version] = line;
  const httpVersion = version.slice('HTTP/'.length);
  return { method, scheme: 'https', host, port, path: pathOf(target), httpVersion, headers, client };
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
  /** What the connection has become. */
  let socket: WebSocketExchange | null = null;
  /** What the agent says before it knows whether it has a WebSocket. */
  const early = new BytePile();
  let hasAgentEnded = false;
  const requests = readRequests();
  const responses = readResponses(() => open[0]?.method ?? null);

  const upstream = ({ head, response, sentAt }: Open): ReturnType<typeof upstreamOf> =>
    upstreamOf({ requestHeaders: head.headers, response, sentAt }, providerSide);
  const endRequest = (exchange: Open): void => {
    if (exchange.isRequestEnded) return;
    exchange.isRequestEnded = true;
    if (!exchange.isUpgrade) emit({ type: 'requestEnded', exchangeId: exchange.exchangeId });
  };
  /** It opens nothing: what was not told of it is told now. */
  const settleUpgrade = (exchange: Open): void => {
    if (!exchange.isUpgrade) return;
    const { exchangeId, request, sentAt } = exchange;
    exchange.isUpgrade = false;
    emit({ type: 'requestStarted', exchangeId, request }, sentAt);
    if (exchange.isRequestEnded) emit({ type: 'requestEnded', exchangeId }, sentAt);
  };
  const openSocket = (exchange: Open, response: ResponseHead): void => {
    const { exchangeId, request } = exchange;
    open.shift();
    sending = null;
    exchange.response = response;
    socket = tellWebSocket(
      { exchangeId, request: { ...request, scheme: 'wss' }, response, ...upstream(exchange) },
      emit,
    );
    socket.passed('agent', early.take());
  };
  const onRequest = (event: Http1Event): void => {
    switch (event.type) {
      case 'head': {
        const { line, headers } = event.head;
        const [method] = line;
        const sentAt = performance.now();
        const exchangeId = newId();
        const request = requestHeadOf(event.head, { host, port, client });
        const isUpgrade = method === 'GET' && asksForWebSocket(headers);
        sending = { exchangeId, method, head: event.head, request, isUpgrade, sentAt, isRequestEnded: false, response: null }; // prettier-ignore
        open.push(sending);
        if (!isUpgrade) emit({ type: 'requestStarted', exchangeId, request });
        return;
      }
      case 'data':
        if (sending !== null) settleUpgrade(sending);
        if (sending !== null) emit({ type: 'requestData', exchangeId: sending.exchangeId, data: event.data });
        return;
      case 'end':
        if (sending !== null) endRequest(sending);
        sending = null;
    }
  };
  const onResponse = (event: Http1Event): void => {
    if (socket !== null) {
      if (event.type === 'data') socket.passed('upstream', event.data);
      return;
    }
    const [exchange] = open;
    if (exchange === undefined) return;
    const { exchangeId } = exchange;
    switch (event.type) {
      case 'head': {
        const { line, headers } = event.head;
        const status = Number(line[1]);
        if (status === 101 && exchange.isUpgrade) return openSocket(exchange, { status, reason: line[2], headers });
        // Of another protocol nothing is known.
        if (status === 101) return lost();
        if (status < 200) return;
        settleUpgrade(exchange);
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
    socket?.close();
    for (const exchange of open.splice(0)) {
      settleUpgrade(exchange);
      emit({ type: 'exchangeAborted', exchangeId: exchange.exchangeId, by, error, ...upstream(exchange) });
    }
    sending = null;
  };
  function lost(): void {
    abort('tapes', { code: 'E_NOT_HTTP', message: 'what passed on this connection cannot be read as HTTP/1.1' });
  }
  const read = (bytes: Buffer): void => {
    for (const event of requests.push(bytes)) onRequest(event);
    if (requests.isLost()) lost();
  };
  return {
    sent(bytes) {
      if (socket !== null) return socket.passed('agent', bytes);
      if (open.at(-1)?.isUpgrade === true) {
        early.push(bytes);
        if (early.length > maxEarlyBytes) lost();
        return;
      }
      read(bytes);
    },
    sentEnd: () => void (hasAgentEnded = true),
    received(bytes) {
      for (const event of responses.push(bytes)) onResponse(event);
      if (responses.isLost()) lost();
      // It got no WebSocket: what it said meanwhile was HTTP.
      if (socket === null && early.length > 0 && open.at(-1)?.isUpgrade !== true) read(early.take());
    },
    receivedEnd() {
      for (const event of responses.end()) onResponse(event);
    },
    // An agent that has ended its half has mostly hung up, and the provider then breaks off what it was saying.
    abort: (by, error) => (hasAgentEnded && by === 'upstream' ? abort('agent', null) : abort(by, error)),
    isIdle: () => open.length === 0 && socket === null && requests.isBetween(),
    openExchanges: () => (hasAgentEnded ? 0 : open.length + (socket?.isOpen() === true ? 1 : 0)),
    tellHungUp() {
      if (hasAgentEnded) abort('agent', null);
    },
    isBusy: () => socket?.isBusy() ?? false,
  };
}

/** A client waits for the answer before it speaks WebSocket (RFC 6455 section 4.1). */
const maxEarlyBytes = 1024 * 1024;

const asksForWebSocket = (headers: RawHeaders): boolean =>
  headers.some(([name, value]) => /^upgrade$/i.test(name) && /(^|,)\s*websocket\s*(,|$)/i.test(value));
