// A socket that is read only while two others follow: the other side, which takes what is read, and whoever records it. TCP then holds the sender up.
// While it is not read, its end is not seen either.
import type { Readable } from 'node:stream';

import type { Pace } from '../domain/index.ts';

export class Valve {
  readonly #socket: Pick<Readable, 'pause' | 'resume'>;
  readonly #pace: Pace | null;
  #isFull = false;
  #isHeld = false;

  /** `pace` null: nobody records. */
  constructor(socket: Pick<Readable, 'pause' | 'resume'>, pace: Pace | null) {
    this.#socket = socket;
    this.#pace = pace;
  }

  /** What was read last has been passed on and told. `goesOn` false: the other side has a full buffer, and `drained` is called when it has not. */
  passed(goesOn: boolean): void {
    if (!goesOn) this.#isFull = true;
    if (!this.#isHeld && this.#pace?.isBehind() === true) {
      this.#isHeld = true;
      this.#pace.whenNotBehind(() => {
        this.#isHeld = false;
        this.#readOn();
      });
    }
    if (this.#isFull || this.#isHeld) this.#socket.pause();
  }

  /** The other side takes more, or is there no longer. */
  drained(): void {
    this.#isFull = false;
    this.#readOn();
  }

  #readOn(): void {
    if (!this.#isFull && !this.#isHeld) this.#socket.resume();
  }
}
