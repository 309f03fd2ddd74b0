// Wire events on their way to a sink: by reference and at once, for nothing here holds traffic up.
import type { Sink, Stamp, WireEvent } from '../domain/index.ts';

type Unstamped = WireEvent extends infer E ? (E extends WireEvent ? Omit<E, keyof Stamp> : never) : never;

/** Stamps an event and passes it on. `mono`: by performance.now(); left out, it is now. */
export type Emit = (event: Unstamped, mono?: number) => void;

export function stampEvents(sink: Sink<unknown>): Emit {
  return (event, mono = performance.now()) => sink.push({ ...event, mono, at: performance.timeOrigin + mono });
}
