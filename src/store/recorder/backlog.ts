// What waits to be recorded, of all runs of a thread, and whether it is so much that whoever reads from the network should wait: the rule that
// nothing is lost to traffic which is faster than the recorder, and that a recorder which stands still holds nobody up for longer than once, briefly.
// One that stood still for a moment only, and goes on, may be waited for again.
import type { Pace } from '../../domain/index.ts';

/** A hold ends after this long, whatever the recorder does. With one that works they took 16 to 300 ms, on two cores that others used too. */
const longestHoldMs = 500;

export class Backlog implements Pace {
  /** Above it, data is dropped. */
  readonly limitBytes: number;
  readonly #highBytes: number;
  readonly #lowBytes: number;
  readonly #trustedBytes: number;
  #bytes = 0;
  #isBehind = false;
  /** A hold was too long: there is none until so much more has been taken, or what waits is little again. Null: it was not. */
  #untrustedBytes: number | null = null;
  #timer: NodeJS.Timeout | null = null;
  #waiting: (() => void)[] = [];

  constructor(limitBytes: number) {
    this.limitBytes = limitBytes;
    this.#highBytes = limitBytes / 4;
    // Near to the other, for a hold then is short: others are held up with the one that is too fast.
    this.#lowBytes = this.#highBytes - limitBytes / 64;
    this.#trustedBytes = limitBytes / 8;
  }

  get bytes(): number {
    return this.#bytes;
  }

  /** `bytes` is less than nothing where something has been taken. */
  count(bytes: number): void {
    this.#bytes += bytes;
    if (bytes < 0 && this.#untrustedBytes !== null) this.#untrustedBytes += bytes;
    if (this.#untrustedBytes !== null && this.#untrustedBytes <= 0) this.#untrustedBytes = null;
    if (this.#bytes < this.#lowBytes) this.#catchUp();
    else if (this.#bytes > this.#highBytes && !this.#isBehind && this.#untrustedBytes === null) this.#fallBehind();
  }

  isBehind(): boolean {
    return this.#isBehind;
  }

  whenNotBehind(goOn: () => void): void {
    if (this.#isBehind) this.#waiting.push(goOn);
    else goOn();
  }

  /** Nobody is to wait for what is not taken. */
  giveUp(): void {
    this.#untrustedBytes = this.#trustedBytes;
    this.#release();
  }

  #fallBehind(): void {
    this.#isBehind = true;
    this.#timer = setTimeout(() => this.giveUp(), longestHoldMs).unref();
  }

  #catchUp(): void {
    this.#untrustedBytes = null;
    this.#release();
  }

  #release(): void {
    if (!this.#isBehind) return;
    this.#isBehind = false;
    if (this.#timer !== null) clearTimeout(this.#timer);
    this.#timer = null;
    for (const goOn of this.#waiting.splice(0)) goOn();
  }
}
