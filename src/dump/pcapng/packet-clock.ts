// The times of packets, to the nanosecond: by the monotonic clock, whose fractions are finer than a wall clock in milliseconds can hold.
import type { Stamp } from '../../domain/index.ts';
import { packetTime, type PacketTime } from './blocks.ts';

export class PacketClock {
  #driftMs = Number.NaN;
  #driftNs = 0n;

  time({ at, mono }: Stamp): PacketTime {
    const drift = at - mono;
    // Another clock: of another run, or set anew.
    if (!(Math.abs(drift - this.#driftMs) < 0.01)) {
      this.#driftMs = drift;
      this.#driftNs = BigInt(Math.round(drift * 1e3)) * 1000n;
    }
    return packetTime(this.#driftNs + BigInt(Math.round(mono * 1e6)));
  }
}
