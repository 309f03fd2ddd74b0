// Which process sends what passes a standing proxy. Looking costs some milliseconds of work, and a connection is often gone before it is found:
// so it is looked for as a connection is made, while a session's process is not known, or where nobody was looked for lately.
import { findPeerProcess, type ProcessFacts } from '../processes/index.ts';

const wantedForMs = 5_000;
const betweenLooksMs = 250;
const rememberedPorts = 64;
const rememberedProcesses = 16;

export class PeerFinder {
  readonly #byPort = new Map<number, Promise<ProcessFacts | null>>();
  /** Those that were found lately, the newest first. */
  #likely: readonly number[] = [];
  #wantedUntil = 0;
  #lastLook = Number.NEGATIVE_INFINITY;
  ownPort = 0;

  /** A connection was made; its request is yet to come. */
  noteConnection(port: number): void {
    const now = performance.now();
    if (now < this.#wantedUntil || now - this.#lastLook > betweenLooksMs) void this.#look(port);
  }

  /** Who has sent a request over the connection from `port`. */
  find(port: number): Promise<ProcessFacts | null> {
    // If this connection is gone, the next one will be found.
    this.#wantedUntil = performance.now() + wantedForMs;
    return this.#look(port);
  }

  #look(port: number): Promise<ProcessFacts | null> {
    const known = this.#byPort.get(port);
    if (known !== undefined) return known;
    this.#lastLook = performance.now();
    const looking = findPeerProcess(port, this.ownPort, this.#likely).then((found) => {
      // A port is used again: what was found of it is true for a moment only.
      setTimeout(() => this.#byPort.delete(port), wantedForMs).unref();
      if (found !== null) this.#likely = [...new Set([found.pid, ...this.#likely])].slice(0, rememberedProcesses);
      return found;
    });
    if (this.#byPort.size < rememberedPorts) this.#byPort.set(port, looking);
    return looking;
  }
}
