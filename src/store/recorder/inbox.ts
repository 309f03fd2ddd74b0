// Events that wait to be handled, in order.

/** Array.shift moves all that is behind: with a long queue it is slow. */
const forgottenAtOnce = 1000;

export class Inbox<Event> {
  readonly #events: Event[] = [];
  #taken = 0;

  get length(): number {
    return this.#events.length - this.#taken;
  }

  push(event: Event): void {
    this.#events.push(event);
  }

  /** Undefined: nothing waits. */
  take(): Event | undefined {
    const event = this.#events[this.#taken];
    if (event !== undefined) this.#taken += 1;
    if (event === undefined || this.#taken > forgottenAtOnce) {
      this.#events.splice(0, this.#taken);
      this.#taken = 0;
    }
    return event;
  }
}
