// One sink that is several.
import type { Sink, WireEvent } from './wire-event.ts';

/** Each gets every event, in order; null is left out. */
export function teeSinks(...sinks: readonly (Sink<unknown> | null)[]): Sink<unknown> {
  const all = sinks.filter((sink) => sink !== null);
  return {
    push(event: WireEvent) {
      for (const sink of all) sink.push(event);
    },
    close: () => Promise.all(all.map((sink) => sink.close())),
  };
}
