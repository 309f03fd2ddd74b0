// The exchanges on one HTTP/2 connection, told as wire events from what two readers find in the bytes that pass: one for each stream that the
// agent opens. What a provider pushes is passed on, and not told of: nobody has asked for it.
import { newId, type AbortedBy, type RawHeaders, type ResponseHead, type WireFailure } from '../../domain/index.ts';
import type { Emit } from '../emit.ts';
import { upstreamOf, type ProviderSide, type RelayedConnection, type RelayedExchanges } from '../relayed-exchanges.ts';
import { readHttp2, type Http2Event } from './messages.ts';

/** Whose answers have not ended: the oldest is told of no longer where there are more. A provider allows some hundreds. */
const maxOpenStreams = 10_000;

interface Open {
  readonly exchangeId: string;
  readonly requestHeaders: RawHeaders;
  readonly isTunnel: boolean;
  /** By performance.now(). */
  readonly sentAt: number;
  isRequestEnded: boolean;
  response: ResponseHead | null;
  /** Of an answer whose length was given. */
  leftBytes: number | null;
}

const notRead: WireFailure = {
  code: 'E_NOT_HTTP',
  message: 'what passed on this connection cannot be read as HTTP/2',
};

const tooMany: WireFailure = {
  code: 'E_TOO_MANY_STREAMS',
  message: `more than ${maxOpenStreams} requests are open on this connection`,
};

/** `providerSide` null: nobody wants to know. */
export function tellHttp2(
  { host, port, client }: RelayedConnection,
  emit: Emit,
  providerSide: (() => ProviderSide) | null,
): RelayedExchanges {
  const agent = readHttp2('agent');
  const provider = readHttp2('provider');
  const open = new Map<number, Open>();
  let lastStreamId = 0;
  let hasAgentEnded = false;

  const abortOne = (streamId: number, by: AbortedBy, error: WireFailure | null): void => {
    const exchange = open.get(streamId);
    if (exchange === undefined) return;
    open.delete(streamId);
    const upstream = upstreamOf(exchange, providerSide);
    emit({ type: 'exchangeAborted', exchangeId: exchange.exchangeId, by, error, ...upstream });
  };
  const abort: RelayedExchanges['abort'] = (by, error) => {
    for (const streamId of open.keys()) abortOne(streamId, by, error);
  };
  const endRequest = (exchange: Open, streamId: number): void => {
    if (exchange.isRequestEnded) return;
    exchange.isRequestEnded = true;
    emit({ type: 'requestEnded', exchangeId: exchange.exchangeId });
    // Its answer will not be understood.
    if (provider.isLost()) abortOne(streamId, 'tapes', notRead);
  };
  /** All of it is there, or as much as was announced: an agent that knows that may hang up before the end of the stream (curl does). */
  const endResponse = (exchange: Open, streamId: number): void => {
    // A provider may answer before it has read the whole request.
    endRequest(exchange, streamId);
    if (open.delete(streamId)) emit({ type: 'responseEnded', exchangeId: exchange.exchangeId });
  };
  const begin = (streamId: number, headers: RawHeaders): void => {
    if (streamId <= lastStreamId || streamId % 2 === 0) return; // trailers, behind the end of it, or no agent's
    lastStreamId = streamId;
    const valueOf = (name: string): string | undefined => headers.find(([given]) => given === name)?.[1];
    const method = valueOf(':method');
    // A tunnel has no path (RFC 9113 section 8.5). Without the others it is no request, and a provider answers with a reset.
    const path = valueOf(':path') ?? (method === 'CONNECT' ? valueOf(':authority') : undefined);
    if (method === undefined || path === undefined) return;
    const [oldest] = open.keys();
    if (open.size >= maxOpenStreams && oldest !== undefined) abortOne(oldest, 'tapes', tooMany);
    const exchangeId = newId();
    const sentAt = performance.now();
    open.set(streamId, {
      exchangeId,
      requestHeaders: headers,
      isTunnel: method === 'CONNECT',
      sentAt,
      isRequestEnded: false,
      response: null,
      leftBytes: null,
    });
    const request = { method, scheme: 'https', host, port, path, httpVersion: '2.0', headers, client } as const;
    emit({ type: 'requestStarted', exchangeId, request });
  };
  const onAgent = (event: Http2Event): void => {
    switch (event.type) {
      case 'headers':
        return begin(event.streamId, event.headers);
      case 'data': {
        const exchange = open.get(event.streamId);
        if (exchange === undefined || exchange.isRequestEnded) return;
        return emit({ type: 'requestData', exchangeId: exchange.exchangeId, data: event.data });
      }
      case 'end': {
        const exchange = open.get(event.streamId);
        return exchange === undefined ? undefined : endRequest(exchange, event.streamId);
      }
      case 'reset':
        return abortOne(event.streamId, 'agent', null);
      case 'settings':
        return provider.allow(event);
      case 'goAway': // it takes no more pushes
    }
  };
  const onProvider = (event: Http2Event): void => {
    switch (event.type) {
      case 'headers': {
        const exchange = open.get(event.streamId);
        const status = Number(event.headers.find(([name]) => name === ':status')?.[1]);
        // Trailers have none; what is below 200 comes before the answer.
        if (exchange === undefined || exchange.response !== null || !(status >= 200)) return;
        exchange.response = { status, reason: '', headers: event.headers };
        // What follows in a tunnel has no length (RFC 9110 section 9.3.6).
        exchange.leftBytes = exchange.isTunnel ? null : lengthIn(event.headers);
        const { exchangeId, response } = exchange;
        emit({ type: 'responseStarted', exchangeId, response, ...upstreamOf(exchange, providerSide) });
        return exchange.leftBytes === 0 ? endResponse(exchange, event.streamId) : undefined;
      }
      case 'data': {
        const exchange = open.get(event.streamId);
        if (exchange === undefined || exchange.response === null) return;
        emit({ type: 'responseData', exchangeId: exchange.exchangeId, data: event.data });
        if (exchange.leftBytes === null) return;
        exchange.leftBytes -= event.data.length;
        return exchange.leftBytes <= 0 ? endResponse(exchange, event.streamId) : undefined;
      }
      case 'end': {
        const exchange = open.get(event.streamId);
        if (exchange === undefined) return;
        if (exchange.response === null) return abortOne(event.streamId, 'upstream', streamFailure(protocolError));
        return endResponse(exchange, event.streamId);
      }
      case 'reset':
        return abortOne(event.streamId, 'upstream', streamFailure(event.code));
      case 'goAway': {
        for (const streamId of open.keys()) {
          if (streamId > event.lastStreamId) abortOne(streamId, 'upstream', streamFailure(refusedStream));
        }
        return;
      }
      case 'settings':
        agent.allow(event);
    }
  };
  return {
    sent(bytes) {
      for (const event of agent.push(bytes)) onAgent(event);
      if (!agent.isLost()) return;
      for (const [streamId, { isRequestEnded }] of open) if (!isRequestEnded) abortOne(streamId, 'tapes', notRead);
    },
    sentEnd: () => void (hasAgentEnded = true),
    received(bytes) {
      const wasLost = provider.isLost();
      for (const event of provider.push(bytes)) onProvider(event);
      if (provider.isLost() && !wasLost) abort('tapes', notRead);
    },
    receivedEnd: () => undefined,
    // An agent that has ended its half has mostly hung up, and the provider then breaks off what it was saying.
    abort: (by, error) => (hasAgentEnded && by === 'upstream' ? abort('agent', null) : abort(by, error)),
    isIdle: () => open.size === 0,
    openExchanges: () => (hasAgentEnded ? 0 : open.size),
    tellHungUp() {
      if (hasAgentEnded) abort('agent', null);
    },
    isBusy: () => false,
  };
}

function lengthIn(headers: RawHeaders): number | null {
  const value = headers.find(([name]) => name === 'content-length')?.[1] ?? '';
  return /^\d{1,15}$/.test(value) ? Number(value) : null;
}

/** By their codes (RFC 9113 section 7), as Node calls them. */
const errorNames = [
  'NO_ERROR',
  'PROTOCOL_ERROR',
  'INTERNAL_ERROR',
  'FLOW_CONTROL_ERROR',
  'SETTINGS_TIMEOUT',
  'STREAM_CLOSED',
  'FRAME_SIZE_ERROR',
  'REFUSED_STREAM',
  'CANCEL',
  'COMPRESSION_ERROR',
  'CONNECT_ERROR',
  'ENHANCE_YOUR_CALM',
  'INADEQUATE_SECURITY',
  'HTTP_1_1_REQUIRED',
];
const protocolError = 1;
const refusedStream = 7;

function streamFailure(code: number): WireFailure {
  const name = errorNames[code];
  const told = name === undefined ? String(code) : `NGHTTP2_${name}`;
  return { code: 'ERR_HTTP2_STREAM_ERROR', message: `Stream closed with error code ${told}` };
}
