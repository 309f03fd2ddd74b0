// Events in the order of their times. Those of one exchange come in order; those of several are told with delays of their own (a hang-up waits
// for the last bytes before it, a masked chunk for the one behind it). So each waits a moment for what may be earlier.
import type { DumpEvent } from '../dump-event.ts';

export class EventOrder {
  readonly #lagMs: number;
  /** Sorted, the earliest first; new ones belong near the end. */
  readonly #waiting: DumpEvent[] = [];
  /** The last time of each exchange: it never goes back. */
  readonly #latest = new Map<string, { readonly at: number; readonly mono: number }>();

  constructor(lagMs: number) {
    this.#lagMs = lagMs;
  }

  push(given: DumpEvent): void {
    const event = this.#notBefore(given);
    let at = this.#waiting.length;
    while (at > 0 && this.#waiting[at - 1]!.mono > event.mono) at -= 1;
    if (at === this.#waiting.length) this.#waiting.push(event);
    else this.#waiting.splice(at, 0, event);
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
    while (count < this.#waiting.length && this.#waiting[count]!.mono <= until) count += 1;
    return this.#waiting.splice(0, count);
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
