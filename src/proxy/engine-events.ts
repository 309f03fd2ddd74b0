// Everything that the engine sees, as wire events for one sink. By reference and at once: nothing here holds traffic up.
import type { Mockttp } from 'mockttp';

import type { Sink, UpstreamLeg } from '../domain/index.ts';
import { tellExchanges } from './engine-exchanges.ts';
import { tellSockets, type Emit } from './engine-sockets.ts';

export interface EmitOptions {
  readonly sink: Sink<unknown>;
  readonly isRefusedUpgrade: (path: string) => boolean;
  /** The provider's side of a WebSocket, by mockttp's id of its request. */
  readonly upstreamOf: (requestId: string) => UpstreamLeg | null;
}

/** Stamps events, and passes them to the sink. */
export function stampEvents(sink: Sink<unknown>): Emit {
  return (event, mono = performance.now()) => sink.push({ ...event, mono, at: performance.timeOrigin + mono });
}

/** To be called once the engine's rules are set. Settles when all subscriptions stand. */
export async function emitWireEvents(
  engine: Mockttp,
  { sink, isRefusedUpgrade, upstreamOf }: EmitOptions,
): Promise<{ openExchanges: () => number }> {
  const emit = stampEvents(sink);
  const { openExchanges } = await tellExchanges(engine, emit);
  const { openSockets } = await tellSockets(engine, emit, { isRefusedUpgrade, upstreamOf });
  return { openExchanges: () => openExchanges() + openSockets() };
}
