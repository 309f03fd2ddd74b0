// From mockttp's events to ours. It tells of bytes in batches of 20 ms, by copy, after they were passed on: nothing here can hold traffic up.
import type { Mockttp } from 'mockttp';

import { newId, type RawHeaders, type RequestHead, type Sink, type Stamp, type WireEvent } from '../domain/index.ts';
import type { EngineFailure } from './engine-failures.ts';

export interface EmitOptions {
  readonly sink: Sink<unknown>;
  readonly isRefusedUpgrade: (path: string) => boolean;
  readonly failureOf: (requestId: string) => EngineFailure;
}

interface Open {
  readonly exchangeId: string;
  requestEnded: boolean;
}

/** The fields of mockttp's request events that are read here. */
interface EngineRequest {
  readonly id: string;
  readonly method: string;
  readonly url: string;
  readonly path: string;
  readonly httpVersion?: string;
  readonly destination: { readonly hostname: string; readonly port: number };
  readonly rawHeaders: readonly (readonly [string, string])[];
  readonly remoteIpAddress?: string;
  readonly remotePort?: number;
}

const waitingUpgrades = 256;

type Unstamped = WireEvent extends infer E ? (E extends WireEvent ? Omit<E, keyof Stamp> : never) : never;

/** Subscribes to the engine. Settles when all subscriptions stand. */
export async function emitWireEvents(
  engine: Mockttp,
  { sink, isRefusedUpgrade, failureOf }: EmitOptions,
): Promise<{ openExchanges: () => number }> {
  const open = new Map<string, Open>();
  const emit = (event: Unstamped, mono: number = performance.now()): void => {
    sink.push({ ...event, mono, at: performance.timeOrigin + mono });
  };
  const begin = (id: string): Open => {
    const exchange = { exchangeId: newId(), requestEnded: false };
    open.set(id, exchange);
    return exchange;
  };
  const endRequest = (exchange: Open, mono?: number): void => {
    if (exchange.requestEnded) return;
    exchange.requestEnded = true;
    emit({ type: 'requestEnded', exchangeId: exchange.exchangeId }, mono);
  };

  await engine.on('request-initiated', (request) => {
    const { exchangeId } = begin(request.id);
    emit({ type: 'requestStarted', exchangeId, request: requestHead(request) }, request.timingEvents.startTimestamp);
  });
  await engine.on('request-body-data', ({ id, content, isEnded, eventTimestamp }) => {
    const exchange = open.get(id);
    if (exchange === undefined) return;
    if (content.length > 0)
      emit({ type: 'requestData', exchangeId: exchange.exchangeId, data: content }, eventTimestamp);
    if (isEnded) endRequest(exchange, eventTimestamp);
  });
  await engine.on('response-initiated', (response) => {
    const exchange = open.get(response.id);
    if (exchange === undefined) return;
    emit(
      {
        type: 'responseStarted',
        exchangeId: exchange.exchangeId,
        response: {
          status: response.statusCode,
          reason: response.statusMessage,
          headers: plainHeaders(response.rawHeaders),
        },
      },
      response.timingEvents.headersSentTimestamp,
    );
  });
  await engine.on('response-body-data', ({ id, content, isEnded, eventTimestamp }) => {
    const exchange = open.get(id);
    if (exchange === undefined) return;
    const { exchangeId } = exchange;
    if (content.length > 0) emit({ type: 'responseData', exchangeId, data: content }, eventTimestamp);
    if (!isEnded) return;
    open.delete(id);
    // A provider may answer before it has read the whole request.
    endRequest(exchange, eventTimestamp);
    emit({ type: 'responseEnded', exchangeId }, eventTimestamp);
  });
  await engine.on('abort', (request) => {
    const exchange = open.get(request.id);
    if (exchange === undefined) return;
    // The bytes of the last batch are told after the abort: an agent that hangs up on reading `response.completed` would lose it.
    afterLastBatch(() => {
      if (!open.delete(request.id)) return;
      emit(
        { type: 'exchangeAborted', exchangeId: exchange.exchangeId, ...failureOf(request.id) },
        request.timingEvents.abortedTimestamp,
      );
    });
  });

  const upgrades = new Map<string, RequestHead>();
  await engine.on('websocket-request', (request) => {
    const head: RequestHead = { ...requestHead(request), scheme: 'wss' };
    if (isRefusedUpgrade(request.path)) {
      emit(
        { type: 'upgradeRefused', exchangeId: newId(), request: head, status: 426 },
        request.timingEvents.startTimestamp,
      );
      return;
    }
    upgrades.set(request.id, head);
    // Of one that the provider refuses nothing more is told.
    const [oldest] = upgrades.keys();
    if (upgrades.size > waitingUpgrades && oldest !== undefined) upgrades.delete(oldest);
  });
  await engine.on('websocket-accepted', (response) => {
    const request = upgrades.get(response.id);
    if (request === undefined) return;
    upgrades.delete(response.id);
    const { exchangeId } = begin(response.id);
    emit({
      type: 'socketOpened',
      exchangeId,
      request,
      response: {
        status: response.statusCode,
        reason: response.statusMessage,
        headers: plainHeaders(response.rawHeaders),
      },
    });
  });
  const message = (from: 'agent' | 'upstream') => {
    return (event: { streamId: string; content: Uint8Array; isBinary: boolean; eventTimestamp: number }): void => {
      const exchange = open.get(event.streamId);
      if (exchange === undefined) return;
      const { content: data, isBinary } = event;
      emit({ type: 'socketMessage', exchangeId: exchange.exchangeId, from, isBinary, data }, event.eventTimestamp);
    };
  };
  await engine.on('websocket-message-received', message('agent'));
  await engine.on('websocket-message-sent', message('upstream'));
  await engine.on('websocket-close', ({ streamId, closeCode, closeReason }) => {
    const exchange = open.get(streamId);
    if (exchange === undefined) return;
    open.delete(streamId);
    emit({ type: 'socketClosed', exchangeId: exchange.exchangeId, code: closeCode ?? null, reason: closeReason });
  });

  await engine.on('tls-client-error', (failure) => {
    // The warm-up's handshake comes from no address.
    if (failure.remoteIpAddress === undefined) return;
    const host = failure.tlsMetadata.sniHostname ?? failure.destination?.hostname ?? '';
    emit({ type: 'tlsFailed', host, cause: failure.failureCause });
  });
  return { openExchanges: () => open.size };
}

// mockttp flushes a batch by a timer of 20 ms and then tells of it in the next turn of the event loop.
const lastBatchMs = 25;

function afterLastBatch(act: () => void): void {
  setTimeout(() => setImmediate(act), lastBatchMs);
}

function requestHead(request: EngineRequest): RequestHead {
  return {
    method: request.method,
    scheme: request.url.startsWith('http:') ? 'http' : 'https',
    host: request.destination.hostname,
    port: request.destination.port,
    path: pathOf(request),
    httpVersion: request.httpVersion ?? '1.1',
    headers: plainHeaders(request.rawHeaders),
    client:
      request.remoteIpAddress === undefined || request.remotePort === undefined
        ? null
        : { address: request.remoteIpAddress, port: request.remotePort },
  };
}

/** mockttp gives the path as it was in a request line or absolute URL; the query is part of it here. */
function pathOf({ path, url }: EngineRequest): string {
  if (path.includes('?') || !URL.canParse(url)) return path;
  return path + new URL(url).search;
}

const plainHeaders = (headers: readonly (readonly [string, string])[]): RawHeaders =>
  headers.map(([name, value]) => [name, value]);
