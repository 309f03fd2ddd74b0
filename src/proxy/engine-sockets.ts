// WebSocket upgrades that are refused, and TLS handshakes that the agent broke off: from mockttp's events to ours.
import type { Mockttp } from 'mockttp';

import { newId, type RequestHead, type Stamp, type WireEvent } from '../domain/index.ts';
import { requestHead } from './engine-heads.ts';

type Unstamped = WireEvent extends infer E ? (E extends WireEvent ? Omit<E, keyof Stamp> : never) : never;

/** Stamps an event and passes it on. `mono`: by performance.now(); left out, it is now. */
export type Emit = (event: Unstamped, mono?: number) => void;

/** Settles when all subscriptions stand. */
export async function tellSockets(engine: Mockttp, emit: Emit): Promise<void> {
  // Those that pass are the relay's to tell: what comes here is refused.
  await engine.on('websocket-request', (request) => {
    const head: RequestHead = { ...requestHead(request), scheme: 'wss' };
    emit(
      { type: 'upgradeRefused', exchangeId: newId(), request: head, status: 426 },
      request.timingEvents.startTimestamp,
    );
  });
  await engine.on('tls-client-error', (failure) => {
    // The warm-up's handshake comes from no address.
    if (failure.remoteIpAddress === undefined) return;
    const host = failure.tlsMetadata.sniHostname ?? failure.destination?.hostname ?? '';
    emit({ type: 'tlsFailed', host, cause: failure.failureCause });
  });
}
