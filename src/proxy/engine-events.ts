// Everything that the engine sees, as wire events for one sink. By reference and at once: nothing here holds traffic up.
import type { Mockttp } from 'mockttp';

import type { Sink } from '../domain/index.ts';
import { tellExchanges } from './engine-exchanges.ts';
import { tellSockets, type Emit } from './engine-sockets.ts';

/** Stamps events, and passes them to the sink. */
export function stampEvents(sink: Sink<unknown>): Emit {
  return (event, mono = performance.now()) => sink.push({ ...event, mono, at: performance.timeOrigin + mono });
}

/** To be called once the engine's rules are set. Settles when all subscriptions stand. */
export async function emitWireEvents(engine: Mockttp, sink: Sink<unknown>): Promise<{ openExchanges: () => number }> {
  const emit = stampEvents(sink);
  const exchanges = await tellExchanges(engine, emit);
  await tellSockets(engine, emit);
  return exchanges;
}
