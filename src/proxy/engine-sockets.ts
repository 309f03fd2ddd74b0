// WebSockets as wire events, and TLS handshakes that the agent broke off: from mockttp's events to ours.
import type { Mockttp } from 'mockttp';

import { newId, type RequestHead, type Stamp, type WireEvent } from '../domain/index.ts';
import type { EmitOptions } from './engine-events.ts';
import { requestHead, responseHead } from './engine-heads.ts';

type Unstamped = WireEvent extends infer E ? (E extends WireEvent ? Omit<E, keyof Stamp> : never) : never;

/** Stamps an event and passes it on. `mono`: by performance.now(); left out, it is now. */
export type Emit = (event: Unstamped, mono?: number) => void;

const waitingUpgrades = 256;

/** Settles when all subscriptions stand. */
export async function tellSockets(
  engine: Mockttp,
  emit: Emit,
  { isRefusedUpgrade, upstreamOf }: Pick<EmitOptions, 'isRefusedUpgrade' | 'upstreamOf'>,
): Promise<{ openSockets: () => number }> {
  /** Exchange ids by mockttp's. */
  const open = new Map<string, string>();
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
  await engine.on('websocket-accepted', ({ id, statusCode, statusMessage, rawHeaders }) => {
    const request = upgrades.get(id);
    if (request === undefined) return;
    upgrades.delete(id);
    const exchangeId = newId();
    open.set(id, exchangeId);
    const response = responseHead(statusCode, statusMessage, rawHeaders);
    const upstream = upstreamOf(id);
    emit({ type: 'socketOpened', exchangeId, request, response, ...(upstream === null ? {} : { upstream }) });
  });
  const message = (from: 'agent' | 'upstream') => {
    return (event: { streamId: string; content: Uint8Array; isBinary: boolean; eventTimestamp: number }): void => {
      const exchangeId = open.get(event.streamId);
      if (exchangeId === undefined) return;
      const { content: data, isBinary } = event;
      emit({ type: 'socketMessage', exchangeId, from, isBinary, data }, event.eventTimestamp);
    };
  };
  await engine.on('websocket-message-received', message('agent'));
  await engine.on('websocket-message-sent', message('upstream'));
  await engine.on('websocket-close', ({ streamId, closeCode, closeReason }) => {
    const exchangeId = open.get(streamId);
    if (exchangeId === undefined) return;
    open.delete(streamId);
    emit({ type: 'socketClosed', exchangeId, code: closeCode ?? null, reason: closeReason });
  });
  await engine.on('tls-client-error', (failure) => {
    // The warm-up's handshake comes from no address.
    if (failure.remoteIpAddress === undefined) return;
    const host = failure.tlsMetadata.sniHostname ?? failure.destination?.hostname ?? '';
    emit({ type: 'tlsFailed', host, cause: failure.failureCause });
  });
  return { openSockets: () => open.size };
}
