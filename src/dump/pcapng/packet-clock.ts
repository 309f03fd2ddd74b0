// The times of packets, to the nanosecond: by the monotonic clock, whose fractions are finer than a wall clock in milliseconds can hold.
import type { Stamp } from '../../domain/index.ts';
import { packetTime, type PacketTime } from './blocks.ts';

/** A wall clock's nanoseconds are beyond what a double holds: so they are counted in two halves. */
const half = 2 ** 32;

export class PacketClock {
  #driftMs = Number.NaN;
  #drift: PacketTime = { high: 0, low: 0 };

  time({ at, mono }: Stamp): PacketTime {
    const drift = at - mono;
    // Another clock: of another run, or set anew.
    if (!(Math.abs(drift - this.#driftMs) < 0.01)) {
      this.#driftMs = drift;
      this.#drift = packetTime(BigInt(Math.round(drift * 1e3)) * 1000n);
    }
    const ns = Math.round(mono * 1e6);
    const high = Math.floor(ns / half);
    const low = this.#drift.low + ns - high * half;
    const carry = low >= half ? 1 : 0;
    return { high: this.#drift.high + high + carry, low: low - carry * half };
  }
}
