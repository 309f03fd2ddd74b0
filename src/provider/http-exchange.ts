// One request with the way to answer it, alike for HTTP/1.1 and HTTP/2. It tells a client that left from an end of our own.
import type { RawHeaders } from '../domain/index.ts';
import type { ReceivedRequest, Writable } from './received.ts';
import type { Connection, Reply } from './tls-listener.ts';

export class HttpExchange {
  readonly request: Writable<ReceivedRequest>;
  readonly #reply: Reply;
  readonly #connection: Connection;
  readonly #changed: () => void;
  readonly #leaving = new AbortController();
  #isOver = false;

  constructor(request: Writable<ReceivedRequest>, reply: Reply, connection: Connection, changed: () => void) {
    this.request = request;
    this.#reply = reply;
    this.#connection = connection;
    this.#changed = changed;
    reply.once('close', () => {
      request.aborted = !this.#isOver;
      this.#leaving.abort();
      changed();
    });
  }

  /** Aborted when the connection (HTTP/2: the stream) is closed. */
  get left(): AbortSignal {
    return this.#leaving.signal;
  }

  sendHead(status: number, headers: RawHeaders): void {
    if (this.left.aborted) return;
    for (const [name, value] of headers) this.#reply.appendHeader(name, value);
    this.#reply.writeHead(status);
    this.request.status = status;
    this.#changed();
  }

  /** Settles when the bytes are with the operating system, or the client has left. */
  async write(bytes: Uint8Array): Promise<void> {
    if (this.left.aborted || bytes.length === 0) return;
    await new Promise<void>((resolve) => {
      const settle = (): void => {
        this.left.removeEventListener('abort', settle);
        resolve();
      };
      this.left.addEventListener('abort', settle);
      this.#reply.write(bytes, settle);
    });
  }

  end(): void {
    this.#isOver = !this.left.aborted;
    this.#reply.end();
  }

  /** Ends the whole connection, with what was written still delivered. */
  cut(): void {
    this.#isOver = true;
    this.#connection.destroy();
  }

  reset(): void {
    this.#isOver = true;
    this.#connection.reset();
  }
}
