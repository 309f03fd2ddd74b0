// Events in the order of their times. Those of one exchange come in order; those of several are told with delays of their own (a hang-up waits
// for the last bytes before it, a masked chunk for the one behind it). So each waits a moment for what may be earlier.
import type { DumpEvent } from '../dump-event.ts';

interface Waiting {
  readonly event: DumpEvent;
}

export class EventOrder {
  readonly #lagMs: number;
  /** Sorted, the earliest first; new ones belong near the end. */
  readonly #waiting: Waiting[] = [];
  /** The last time of each exchange: it never goes back. */
  readonly #latest = new Map<string, { readonly at: number; readonly mono: number }>();
  #newest = Number.NEGATIVE_INFINITY;

  constructor(lagMs: number) {
    this.#lagMs = lagMs;
  }

  push(given: DumpEvent): DumpEvent[] {
    const event = this.#notBefore(given);
    let at = this.#waiting.length;
    while (at > 0 && this.#waiting[at - 1]!.event.mono > event.mono) at -= 1;
    this.#waiting.splice(at, 0, { event });
    this.#newest = Math.max(this.#newest, event.mono);
    return this.#release(this.#newest - this.#lagMs);
  }

  /** Those that have waited long enough by this clock. */
  pass(mono: number): DumpEvent[] {
    return this.#release(mono - this.#lagMs);
  }

  flush(): DumpEvent[] {
    return this.#release(Number.POSITIVE_INFINITY);
  }

  #release(until: number): DumpEvent[] {
    let count = 0;
    while (count < this.#waiting.length && this.#waiting[count]!.event.mono <= until) count += 1;
    return count === 0 ? [] : this.#waiting.splice(0, count).map(({ event }) => event);
  }

  #notBefore(event: DumpEvent): DumpEvent {
    if (!('exchangeId' in event)) return event;
    const { exchangeId } = event;
    const latest = this.#latest.get(exchangeId);
    const isLater = latest === undefined || event.mono >= latest.mono;
    const told = isLater ? event : { ...event, ...latest };
    const isOver =
      event.type === 'responseEnded' ||
      event.type === 'exchangeAborted' ||
      event.type === 'socketClosed' ||
      event.type === 'upgradeRefused';
    if (isOver) this.#latest.delete(exchangeId);
    else this.#latest.set(exchangeId, { at: told.at, mono: told.mono });
    return told;
  }
}
