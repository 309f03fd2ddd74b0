// A body on its way, decoded as it comes and kept up to a limit, for the formats that show bodies whole.
import { openBodyDecoder } from '../wire/index.ts';

export interface KeptBody {
  readonly bytes: Buffer;
  readonly wireBytes: number;
  readonly decodedBytes: number;
  readonly missingBytes: number;
  /** Why `bytes` is not the whole, decoded body; one sentence each. */
  readonly problems: readonly string[];
}

/** How much of all bodies that are open may be kept: one for each dump. */
export class BodyRoom {
  #leftBytes: number;

  constructor(limitBytes: number) {
    this.#leftBytes = limitBytes;
  }

  take(bytes: number): number {
    const taken = Math.min(bytes, this.#leftBytes);
    this.#leftBytes -= taken;
    return taken;
  }

  giveBack(bytes: number): void {
    this.#leftBytes += bytes;
  }
}

export class BodyCollector {
  readonly #decoder: ReturnType<typeof openBodyDecoder>;
  readonly #room: BodyRoom;
  readonly #limitBytes: number;
  readonly #parts: Uint8Array[] = [];
  #keptBytes = 0;
  #wireBytes = 0;
  #decodedBytes = 0;
  #missingBytes = 0;

  constructor(contentEncoding: string | null, room: BodyRoom, limitBytes: number) {
    this.#decoder = openBodyDecoder(contentEncoding);
    this.#room = room;
    this.#limitBytes = limitBytes;
  }

  get wireBytes(): number {
    return this.#wireBytes;
  }

  /** Gives what the bytes decode to. */
  async push(bytes: Uint8Array): Promise<Uint8Array> {
    this.#wireBytes += bytes.length;
    return this.#keep(await this.#decoder.push(bytes));
  }

  miss(bytes: number): void {
    this.#wireBytes += bytes;
    this.#missingBytes += bytes;
  }

  /** The body, which is then forgotten. `rest`: what only its end decoded. */
  async end(): Promise<KeptBody & { readonly rest: Uint8Array }> {
    const { bytes: rest, problem } = await this.#decoder.end();
    this.#keep(rest);
    const bytes = Buffer.concat(this.#parts.splice(0));
    this.#room.giveBack(this.#keptBytes);
    const problems = [
      this.#missingBytes > 0 ? `${this.#missingBytes} bytes are missing` : null,
      this.#keptBytes < this.#decodedBytes ? `the first ${this.#keptBytes} of ${this.#decodedBytes} bytes` : null,
      problem === null ? null : `${problem.encoding}: ${problem.message}`,
    ].filter((text) => text !== null);
    return {
      bytes,
      rest,
      wireBytes: this.#wireBytes,
      decodedBytes: this.#decodedBytes,
      missingBytes: this.#missingBytes,
      problems,
    };
  }

  #keep(decoded: Uint8Array): Uint8Array {
    this.#decodedBytes += decoded.length;
    const isFull = this.#keptBytes < this.#decodedBytes - decoded.length;
    const room = isFull ? 0 : Math.min(decoded.length, this.#limitBytes - this.#keptBytes);
    const taken = this.#room.take(room);
    if (taken > 0) this.#parts.push(decoded.subarray(0, taken));
    this.#keptBytes += taken;
    return decoded;
  }
}

/** The text of UTF-8 bytes; null where they are none. */
export function readText(bytes: Uint8Array): string | null {
  try {
    return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes);
  } catch {
    return null;
  }
}
