// What the last request of each conversation was read as. An agent sends its whole conversation again with every call, and a call should cost
// what is new in it. Shared by the runs of one thread; what is not in it costs time, and nothing else.
import type { KnownRequest, ReadRequest } from './read-request.ts';
import { readRequest } from './read-request.ts';

export interface RequestMemoryLimits {
  /** Of all conversations together, as `sizeOf` counts. */
  readonly bytes: number;
  readonly conversations: number;
}

// Some 4 MiB of bodies: an agent at work has 70 kB to 1 MB, and a full context is about 2 MB. With what they are parsed into that is 15 MB of
// memory (measured: a body of 1.9 MB, 1600 messages, counts as 4 MB and takes 7). A call of that size takes a tenth of the time.
const defaultLimits: RequestMemoryLimits = { bytes: 8 * 1024 * 1024, conversations: 64 };
/** Beside its bytes. A list of `{}` has a value in every three. */
const bytesOfValue = 64;

interface Kept {
  readonly request: KnownRequest;
  readonly bytes: number;
}

export class RequestMemory {
  readonly #limits: RequestMemoryLimits;
  /** By conversation, in the order in which they were last met. */
  readonly #kept = new Map<string, Kept>();
  #bytes = 0;

  constructor(limits: RequestMemoryLimits = defaultLimits) {
    this.#limits = limits;
  }

  /** Of what is remembered. */
  get bytes(): number {
    return this.#bytes;
  }

  get conversations(): number {
    return this.#kept.size;
  }

  /** `conversation`: what its requests have in common. One that says something else, or nothing, only makes it slower. */
  read(conversation: string, bytes: Uint8Array): ReadRequest {
    const read = readRequest(bytes, this.#kept.get(conversation)?.request ?? null);
    if (read.known !== null) this.#keep(conversation, read.known);
    return read;
  }

  #keep(conversation: string, request: KnownRequest): void {
    const bytes = sizeOf(request);
    // The one before it, if that is there, still has most of it.
    if (bytes > this.#limits.bytes) return;
    this.#forget(conversation);
    this.#kept.set(conversation, { request, bytes });
    this.#bytes += bytes;
    for (const oldest of this.#kept.keys()) {
      if (this.#bytes <= this.#limits.bytes && this.#kept.size <= this.#limits.conversations) break;
      this.#forget(oldest);
    }
  }

  #forget(conversation: string): void {
    this.#bytes -= this.#kept.get(conversation)?.bytes ?? 0;
    this.#kept.delete(conversation);
  }
}

const sizeOf = ({ taken, items }: KnownRequest): number =>
  items.reduce((bytes, { values }) => bytes + values * bytesOfValue, taken.body.length);
